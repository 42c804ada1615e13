// Who moves, tells and asks whom: the edges of the graph.
import type { Routes, Topics, Traffic } from "../api/v1";

export type EdgeKind = "route" | "topic" | "message";

export interface Link {
  from: string;
  to: string;
  kind: EdgeKind;
  /** What stands at the edge: names of routes, topics. */
  labels: string[];
  /** How often, since the host began. */
  count: number;
  /** Messages or changes per second, between the last two looks. */
  rate: number;
  /** Something is wrong with it. */
  problem: boolean;
  /** It is turned off. */
  off: boolean;
}

/** What was counted at an earlier look, and when. */
export interface Look {
  at: number;
  counts: ReadonlyMap<string, number>;
}

export const trafficKey = (t: Traffic) => [t.source, t.target, t.topic, t.kind].join("\u0000");

/** Counts what routes have done and messages were sent. */
export function countsOf(routes: Routes, topics: Topics): Map<string, number> {
  const out = new Map(topics.traffic.map((t) => [trafficKey(t), t.count]));
  for (const r of routes.routes) out.set(`route ${r.name}`, r.fired);
  return out;
}

/** How often per second a count grew since the earlier look. */
export function rateOf(key: string, count: number, before: Look | null, now: number): number {
  const old = before?.counts.get(key);
  const seconds = before ? (now - before.at) / 1000 : 0;
  return old === undefined || seconds <= 0 ? 0 : Math.max(0, count - old) / seconds;
}

/** The edges, one for each pair and kind. */
export function linksOf(routes: Routes, topics: Topics, before: Look | null, now: number): Link[] {
  const links = new Map<string, Link>();
  const add = (kind: EdgeKind, from: string, to: string, label: string, more: { count?: number; rate?: number; problem?: boolean; off?: boolean }) => {
    if (!from || !to) return;
    const key = [kind, from, to].join("\u0000");
    const link = links.get(key) ?? { from, to, kind, labels: [], count: 0, rate: 0, problem: false, off: true };
    links.set(key, link);
    if (!link.labels.includes(label)) link.labels.push(label);
    link.count += more.count ?? 0;
    link.rate += more.rate ?? 0;
    link.problem ||= more.problem ?? false;
    link.off &&= more.off ?? false;
  };
  for (const r of routes.routes) {
    add("route", r.from.script, r.to.script, r.name, {
      count: r.fired, rate: rateOf(`route ${r.name}`, r.fired, before, now), problem: r.status === "warn" || r.problem !== "", off: !r.enabled,
    });
  }
  for (const t of routes.topics) for (const from of t.from) for (const to of t.to) add("topic", from, to, t.topic, { off: !t.enabled });
  for (const t of topics.traffic) {
    add("message", t.source, t.target, t.topic, { count: t.count, rate: rateOf(trafficKey(t), t.count, before, now), problem: t.failed > 0 && t.failed === t.count });
  }
  return [...links.values()];
}
