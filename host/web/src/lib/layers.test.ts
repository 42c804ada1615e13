import { expect, test } from "vitest";
import { layers } from "./layers";

const columns = (edges: [string, string][]) => Object.fromEntries([...layers(edges.map(([from, to]) => ({ from, to })))].map(([n, p]) => [n, p.column]));

test("what feeds stands left of what it feeds", () => {
  expect(columns([["a", "b"], ["b", "c"], ["a", "c"]])).toEqual({ a: 0, b: 1, c: 2 });
});

test("cycles and edges to oneself end", () => {
  expect(columns([["a", "b"], ["b", "a"], ["c", "c"]])).toEqual({ a: 0, b: 1, c: 0 });
});

test("a long chain needs no deep recursion", () => {
  const chain = Array.from({ length: 20_000 }, (_, i): [string, string] => [`n${i}`, `n${i + 1}`]);
  expect(columns(chain).n20000).toBe(20_000);
});

test("every node has a place of its own", () => {
  const places = [...layers([{ from: "a", to: "x" }, { from: "b", to: "y" }, { from: "b", to: "x" }, { from: "c", to: "z" }]).values()].map((p) => `${p.column} ${p.row}`);
  expect(new Set(places).size).toBe(places.length);
});
