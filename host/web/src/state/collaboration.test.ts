import { expect, test } from "vitest";
import type { Route, Routes, Topics } from "../api/v1";
import { countsOf, linksOf } from "./collaboration";

const route = (name: string, from: string, to: string, more: Partial<Route> = {}): Route => ({
  name, from: { script: from, variable: "loss" }, to: { script: to, parameter: "lr" }, when: true, enabled: true, window: 1, cooldown: 0, every: 0, min_change: 0,
  on_nan: "skip", seen: 0, fired: 0, last: null, last_set: null, status: "ok", why: "", problem: "", ...more,
});
const routes: Routes = { routes: [route("a", "t", "p", { fired: 6 }), route("b", "t", "p", { enabled: false })], topics: [{ name: "n", topic: "x", from: ["t"], to: ["p", "q"], enabled: true }], allow: [], default: "allow" };
const topics: Topics = { topics: [], traffic: [{ source: "t", target: "q", topic: "x", kind: "tell", count: 30, failed: 30, last: "", took: 0, problem: "no" }] };

test("one edge for each pair and kind, with rates since the last look", () => {
  const before = { at: 1000, counts: new Map([...countsOf(routes, topics)].map(([k]) => [k, 0])) };
  const links = linksOf(routes, topics, before, 4000);
  expect(links.map((l) => `${l.kind} ${l.from}→${l.to} ${l.labels.join()} ${l.count} ${l.rate} ${l.problem} ${l.off}`)).toEqual([
    "route t→p a,b 6 2 false false",
    "topic t→p x 0 0 false false",
    "topic t→q x 0 0 false false",
    "message t→q x 30 10 true false",
  ]);
});

test("without an earlier look there is no rate", () => {
  expect(linksOf(routes, topics, null, 0).every((l) => l.rate === 0)).toBe(true);
});
