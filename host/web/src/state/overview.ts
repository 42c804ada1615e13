// The rows of the script table: chosen, and in order.
import { lookOf, groupOf, type GroupID } from "./states";
import { pinsOf } from "./pins";
import type { Latest, Row } from "./scripts";

export type SortKey = "worst" | "name" | "step" | "rate" | "eta" | "value" | "restarts" | "age";

export interface Choice {
  search: string;
  group: GroupID | "";
  sort: SortKey;
  descending: boolean;
}

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

const keys: Record<Exclude<SortKey, "worst" | "name">, (r: Row) => number | null> = {
  step: (r) => r.script.step,
  rate: rateOf,
  eta: leftOf,
  value: (r) => keyVariable(r)?.value ?? null,
  restarts: (r) => r.script.restarts,
  age: (r) => (r.script.started ? Date.parse(r.script.started) : null),
};

/** The steps per second: what the script says, or what was seen. */
export function rateOf(r: Row): number | null {
  return lookOf(r.script.state).live ? (r.script.progress?.rate ?? r.stepRate) : null;
}

/** The seconds that are left: what the script says, or what its rate means
 * where its progress is that of its steps. */
export function leftOf(r: Row): number | null {
  const p = r.script.progress;
  if (!p || !lookOf(r.script.state).live) return null;
  if (p.eta !== null) return p.eta;
  const rate = rateOf(r);
  const bySteps = r.script.step !== null && Math.abs(r.script.step - p.done) <= 1;
  return rate && p.total && bySteps ? Math.max(0, p.total - p.done) / rate : null;
}

/** The rows that are wanted, in the order that is wanted. Unknown values go
 * last either way. */
export function choose(rows: Row[], c: Choice): Row[] {
  const words = c.search.toLowerCase().split(/\s+/).filter(Boolean);
  const out = rows.filter((r) => (!c.group || groupOf(r.script.state) === c.group) && matches(r, words));
  const turn = c.descending ? -1 : 1;
  const byName = (a: Row, b: Row) => collator.compare(a.script.name, b.script.name);
  if (c.sort === "worst") return out.sort((a, b) => turn * (lookOf(a.script.state).rank - lookOf(b.script.state).rank) || byName(a, b));
  if (c.sort === "name") return out.sort((a, b) => turn * byName(a, b));
  const key = keys[c.sort];
  return out.sort((a, b) => {
    const x = key(a);
    const y = key(b);
    if (x === null || y === null || Number.isNaN(x) || Number.isNaN(y)) return Number(unknown(x)) - Number(unknown(y)) || byName(a, b);
    return turn * (x - y) || byName(a, b);
  });
}

function unknown(n: number | null): boolean {
  return n === null || Number.isNaN(n);
}

function matches(r: Row, words: string[]): boolean {
  if (words.length === 0) return true;
  const text = `${r.script.name} ${r.script.state} ${r.script.reason}`.toLowerCase();
  return words.every((w) => text.includes(w));
}

/** Names that tell best how a training goes, the best first. */
const telling = [/(^|[._/ -])(val|valid|eval|test)\w*[._/ -]?loss/i, /loss/i, /(reward|return|score)/i, /(acc|auc|f1|bleu)/i, /(error|mse|rmse|perplexity|ppl)/i];

/** How telling a name is; 0 is the most. */
export function rankOfName(name: string): number {
  const at = telling.findIndex((t) => t.test(name));
  return at < 0 ? telling.length : at;
}

/** The variable that stands for a script in the table: the first that is
 * pinned, or the most telling one. */
export function keyVariable(r: Row): Latest | undefined {
  const pin = pinsOf(r.script.name).find((name) => r.variables.has(name));
  return pin === undefined ? chooseBest(r) : r.variables.get(pin);
}

/** The variable with the most telling name. */
export function chooseBest(r: Row): Latest | undefined {
  let best: Latest | undefined;
  let bestRank = Infinity;
  for (const v of r.variables.values()) {
    const own = rankOfName(v.name);
    if (own < bestRank) [best, bestRank] = [v, own];
  }
  return best;
}
