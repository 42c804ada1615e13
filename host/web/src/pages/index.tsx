// The pages there are. A new one is a file beside this and a line here.
import type { ComponentType } from "preact";
import { CollaborationPage } from "./collaboration";
import { ComparePage } from "./compare";
import { DiagnosticsPage } from "./diagnostics";
import { RunsPage } from "./runs";
import { ScriptPage } from "./script";
import { ScriptsPage } from "./scripts";
import { TimelinePage } from "./timeline";

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
  { id: "collaboration", title: "Collaboration", view: CollaborationPage },
  { id: "runs", title: "Runs", view: RunsPage, holds: ["compare"] },
  { id: "compare", view: ComparePage },
  { id: "timeline", title: "Timeline", view: TimelinePage },
  { id: "diagnostics", title: "Diagnostics", view: DiagnosticsPage },
];

export const navigation = pages.filter((p): p is Page & { title: string } => p.title !== undefined);

export function findPage(id: string): Page | undefined {
  return pages.find((p) => p.id === id);
}
