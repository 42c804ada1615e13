// A table whose rows exist while they are in sight. It is one for a screen
// reader too, with its whole number of rows; arrow keys go from row to row.
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { Icon } from "./icon";
import { useRem, VirtualRows } from "./virtual";

export interface Column<T> {
  id: string;
  title: string;
  /** What names a column without a title, for who hears the table. */
  label?: string;
  /** As in grid-template-columns. */
  width: string;
  cell: (row: T) => ComponentChildren;
  /** Where a click on its head sorts. */
  sortable?: boolean;
  class?: string;
}

export interface Sorting {
  by: string;
  descending: boolean;
}

interface TableProps<T> {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  /** The height of a row in rem. */
  rowRem?: number;
  sorting?: Sorting;
  onSort?: (by: string) => void;
  empty: ComponentChildren;
  class?: string;
  rowClass?: (row: T) => string;
}

export function Table<T>(props: TableProps<T>) {
  const { columns, rows } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const rowHeight = Math.round((props.rowRem ?? 2.77) * useRem());
  const template = { gridTemplateColumns: columns.map((c) => c.width).join(" ") };
  const move = (e: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15, Home: -rows.length, End: rows.length }[e.key];
    const at = e.target instanceof Element ? e.target.closest<HTMLElement>("[data-index]") : null;
    if (by === undefined || !at || e.altKey || e.ctrlKey || e.metaKey) return;
    e.preventDefault();
    focusRow(scroller.current, Math.min(rows.length - 1, Math.max(0, Number(at.dataset.index) + by)), rowHeight);
  };
  return (
    <div ref={scroller} class={`table ${props.class ?? ""}`} role="table" aria-label={props.label} aria-rowcount={rows.length + 1} onKeyDown={move} tabIndex={rows.length === 0 ? undefined : -1}>
      <div role="rowgroup" class="table-head">
        <div role="row" class="table-row" style={template}>
          {columns.map((c) => (
            <Head key={c.id} column={c} sorting={props.sorting} onSort={props.onSort} />
          ))}
        </div>
      </div>
      {rows.length === 0 ? (
        <div role="rowgroup">
          <div role="row">
            <div role="cell">{props.empty}</div>
          </div>
        </div>
      ) : (
        <VirtualRows
          count={rows.length}
          rowHeight={rowHeight}
          scroller={scroller}
          role="rowgroup"
          row={(i, style) => {
            const row = rows[i];
            if (row === undefined) return null;
            return (
              <div key={props.keyOf(row)} role="row" aria-rowindex={i + 2} data-index={i} class={`table-row ${props.rowClass?.(row) ?? ""}`} style={{ ...style, ...template }}>
                {columns.map((c) => (
                  <div key={c.id} role="cell" class={`cell col-${c.id} ${c.class ?? ""}`}>
                    {c.cell(row)}
                  </div>
                ))}
              </div>
            );
          }}
        />
      )}
    </div>
  );
}

function Head<T>({ column, sorting, onSort }: { column: Column<T>; sorting: Sorting | undefined; onSort: ((by: string) => void) | undefined }) {
  const sorted = sorting?.by === column.id;
  const order = !column.sortable || !onSort ? undefined : !sorted ? "none" : sorting.descending ? "descending" : "ascending";
  return (
    <div role="columnheader" class={`cell col-${column.id} ${column.class ?? ""}`} aria-sort={order}>
      {order === undefined ? (
        column.title || <span class="sr">{column.label}</span>
      ) : (
        <button type="button" class="sort" onClick={() => onSort?.(column.id)}>
          {column.title}
          {sorted && <Icon name={sorting.descending ? "down" : "up"} size={11} />}
        </button>
      )}
    </div>
  );
}

/** Puts the focus on the first link or button of a row, once it exists. */
function focusRow(box: HTMLDivElement | null, index: number, rowHeight: number): void {
  if (!box) return;
  const head = box.querySelector<HTMLElement>(".table-head")?.offsetHeight ?? 0;
  const top = index * rowHeight;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + rowHeight + head > box.scrollTop + box.clientHeight) box.scrollTop = top + rowHeight + head - box.clientHeight;
  requestAnimationFrame(() => requestAnimationFrame(() => box.querySelector<HTMLElement>(`[data-index="${index}"] :is(a, button)`)?.focus({ preventScroll: true })));
}
