// The pages there are. A new one is a file beside this and a line here.
import type { ComponentType } from "preact";
import { ScriptPage } from "./script";
import { ScriptsPage } from "./scripts";

export interface Page {
  /** The first part of its links. */
  id: string;
  view: ComponentType<{ args: string[] }>;
  /** Its word in the navigation; none: it is reached from another page. */
  title?: string;
  /** Pages that are reached from this one. */
  holds?: string[];
}

export const pages: Page[] = [
  { id: "", title: "Scripts", view: ScriptsPage, holds: ["script"] },
  { id: "script", view: ScriptPage },
];

export const navigation = pages.filter((p): p is Page & { title: string } => p.title !== undefined);

export function findPage(id: string): Page | undefined {
  return pages.find((p) => p.id === id);
}
