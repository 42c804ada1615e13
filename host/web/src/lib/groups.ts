// Names in groups: what stands before the first slash, or before a dot, as in
// train/loss and optimizer.lr.

export interface Group {
  /** "": names that have no group. */
  title: string;
  names: string[];
}

/** What a name is grouped by; "": nothing. Dots of numbers part nothing. */
export function prefixOf(name: string): string {
  return /^([^/]+)\/./.exec(name)?.[1] ?? /^([\p{L}_][\p{L}\p{N}_-]*(?:\[\d+\])?)\.[\p{L}_]/u.exec(name)?.[1] ?? "";
}

/** Groups names in the order in which their first ones come. Below a number
 * of names, and where it would part nothing, all are one group. */
export function groupsOf(names: readonly string[], from: number): Group[] {
  const all: Group = { title: "", names: [...names] };
  if (names.length < from) return [all];
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const prefix = prefixOf(name);
    groups.set(prefix, [...(groups.get(prefix) ?? []), name]);
  }
  const alone = new Set([...groups].filter(([, own]) => own.length < 2).flatMap(([, own]) => own));
  const loose = names.filter((n) => prefixOf(n) === "" || alone.has(n));
  const rest = [...groups].filter(([title, own]) => title !== "" && own.length > 1).map(([title, own]) => ({ title, names: own }));
  if (rest.length === 0 || (rest.length === 1 && loose.length === 0)) return [all];
  return [...(loose.length > 0 ? [{ title: "", names: loose }] : []), ...rest];
}

/** The groups that are open before somebody opens or closes one: the first,
 * and further ones while they show no more than so many names together. */
export function openAtFirst(groups: readonly Group[], most: number): Set<string> {
  const open = new Set<string>();
  let shown = 0;
  for (const g of groups) {
    shown += g.names.length;
    if (open.size > 0 && shown > most) break;
    open.add(g.title);
  }
  return open;
}
