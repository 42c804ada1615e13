// A list of which only what is in sight exists. The row that has the focus
// exists too, so that scrolling away does not lose it.
import type { AriaRole, ComponentChildren, CSSProperties, RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

export interface Span {
  from: number;
  to: number;
}

/** Which rows are in sight, with some above and below. */
export function spanOf(top: number, height: number, rowHeight: number, count: number, extra = 6): Span {
  const from = Math.max(0, Math.min(count, Math.floor(top / rowHeight)) - extra);
  const to = Math.min(count, Math.ceil((top + height) / rowHeight) + extra);
  return { from: Math.min(from, to), to };
}

/** The size of the root's type, in which rows are measured. */
export function useRem(): number {
  const [rem, setRem] = useState(readRem);
  useEffect(() => {
    const look = () => setRem(readRem());
    addEventListener("resize", look);
    return () => removeEventListener("resize", look);
  }, []);
  return rem;
}

function readRem(): number {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) || 13;
}

export interface VirtualProps {
  count: number;
  /** In pixels. */
  rowHeight: number;
  row: (index: number, style: CSSProperties) => ComponentChildren;
  scroller: RefObject<HTMLDivElement | null>;
  class?: string;
  role?: AriaRole;
}

/** The inside of a scrolling element. */
export function VirtualRows({ count, rowHeight, row, scroller, class: c, role }: VirtualProps) {
  const [view, setView] = useState({ top: 0, height: 800 });
  const [focused, setFocused] = useState(-1);
  const inner = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const look = () => {
      const offset = inner.current ? inner.current.offsetTop : 0;
      setView({ top: Math.max(0, box.scrollTop - offset), height: box.clientHeight });
    };
    look();
    box.addEventListener("scroll", look, { passive: true });
    const resized = new ResizeObserver(look);
    resized.observe(box);
    return () => {
      box.removeEventListener("scroll", look);
      resized.disconnect();
    };
  }, [scroller]);
  // While it is only scrolled, rows that stay in sight are not made anew.
  const made = useRef({ row, rowHeight, rows: new Map<number, ComponentChildren>() });
  if (made.current.row !== row || made.current.rowHeight !== rowHeight) made.current = { row, rowHeight, rows: new Map() };
  const at = (i: number) => {
    const { rows } = made.current;
    if (!rows.has(i)) rows.set(i, row(i, { position: "absolute", insetInline: 0, top: `${i * rowHeight}px`, height: `${rowHeight}px` }));
    return rows.get(i);
  };
  const { from, to } = spanOf(view.top, view.height, rowHeight, count);
  const indexes = Array.from({ length: to - from }, (_, i) => from + i);
  if (focused >= 0 && focused < count && (focused < from || focused >= to)) indexes.push(focused);
  const { rows } = made.current;
  if (rows.size > 4 * indexes.length) for (const i of rows.keys()) if (!indexes.includes(i)) rows.delete(i);
  return (
    <div
      ref={inner}
      class={c}
      role={role}
      style={{ height: `${count * rowHeight}px`, position: "relative" }}
      onFocusIn={(e) => setFocused(indexAt(e.target))}
      onFocusOut={() => setFocused(-1)}
    >
      {indexes.map(at)}
    </div>
  );
}

function indexAt(target: EventTarget | null): number {
  const at = target instanceof Element ? target.closest("[data-index]") : null;
  return at instanceof HTMLElement ? Number(at.dataset.index) : -1;
}
