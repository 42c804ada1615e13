// Places the nodes of a graph in columns: what feeds something stands left of
// it. Cycles are broken at the edge that closes them.

export interface Edge {
  from: string;
  to: string;
}

export interface Place {
  column: number;
  row: number;
}

/** Returns the place of every node that an edge names. The order within a
 * column follows that of the neighbours on the left, so that few edges cross. */
export function layers(edges: readonly Edge[]): Map<string, Place> {
  const names = [...new Set(edges.flatMap((e) => [e.from, e.to]))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const next = new Map<string, string[]>(names.map((n) => [n, []]));
  for (const e of edges) if (e.from !== e.to) next.get(e.from)!.push(e.to);
  const before = new Map<string, string[]>(names.map((n) => [n, []]));
  for (const e of edges) before.get(e.to)!.push(e.from);
  const column = columnsOf(names, next);
  const columns: string[][] = [];
  for (const n of names) (columns[column.get(n)!] ??= []).push(n);
  const out = new Map<string, Place>();
  columns.forEach((members, c) => {
    const wish = new Map(members.map((n) => [n, mean(before.get(n)!.flatMap((from) => out.get(from)?.row ?? []))]));
    members.sort((a, b) => wish.get(a)! - wish.get(b)!);
    members.forEach((n, row) => out.set(n, { column: c, row }));
  });
  return out;
}

/** The length of the longest way to each node, without edges that close a cycle. */
function columnsOf(names: readonly string[], next: ReadonlyMap<string, string[]>): Map<string, number> {
  const order: string[] = []; // reversed: what feeds comes last
  const state = new Map<string, "open" | "done">();
  const closing = new Set<string>();
  for (const root of names) {
    const stack: { name: string; at: number }[] = state.has(root) ? [] : [{ name: root, at: 0 }];
    if (stack.length > 0) state.set(root, "open");
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const to = next.get(top.name)![top.at++];
      if (to === undefined) {
        state.set(top.name, "done");
        order.push(top.name);
        stack.pop();
      } else if (state.get(to) === "open") {
        closing.add(`${top.name}\u0000${to}`);
      } else if (!state.has(to)) {
        state.set(to, "open");
        stack.push({ name: to, at: 0 });
      }
    }
  }
  const column = new Map<string, number>(names.map((n) => [n, 0]));
  for (const from of order.reverse()) {
    for (const to of next.get(from)!) {
      if (!closing.has(`${from}\u0000${to}`)) column.set(to, Math.max(column.get(to)!, column.get(from)! + 1));
    }
  }
  return column;
}

function mean(rows: readonly number[]): number {
  return rows.length === 0 ? 0 : rows.reduce((a, b) => a + b, 0) / rows.length;
}
