// A part of a page under a heading that opens and closes it. What is closed
// does not exist.
import type { ComponentChildren } from "preact";
import { num } from "../lib/format";
import { Icon } from "./icon";

export function Fold({ title, count, open, onToggle, children }: { title: string; count: number; open: boolean; onToggle: () => void; children: ComponentChildren }) {
  return (
    <section class="part" aria-label={title}>
      <h3>
        <button type="button" class="part-head" aria-expanded={open} onClick={onToggle}>
          <Icon name="chevron" size={11} class="part-sign" />
          <span class="ellipsis">{title}</span>
          <span class="part-count">{num(count)}</span>
        </button>
      </h3>
      {open && children}
    </section>
  );
}
