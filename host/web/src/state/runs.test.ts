import { expect, test } from "vitest";
import type { Run, Value } from "../api/v1";
import { merge, secondsOf, varying } from "./runs";

function run(id: string, script: string, parameters: Record<string, Value> = {}): Run {
  return { id, script, parameters, results: {}, state: "finished", started: "2026-01-02T03:04:05Z", finished: "2026-01-02T03:04:15Z", exit_code: 0 };
}

test("the parameters that differ are named for each script", () => {
  const runs = [run("1", "a", { lr: 0.1, n: 1 }), run("2", "a", { lr: 0.2, n: 1 }), run("3", "b", { lr: 7 })];
  expect(varying(runs)).toEqual(new Map([["a", ["lr"]], ["b", []]]));
});

test("the newest page replaces what it covers and keeps what is older", () => {
  const known = Array.from({ length: 150 }, (_, i) => run(`r${i}`, "a"));
  const newest = [run("new", "a"), ...known.slice(0, 99)];
  const merged = merge(newest, known);
  expect(merged.length).toBe(151);
  expect(merged[0]!.id).toBe("new");
  expect(new Set(merged.map((r) => r.id)).size).toBe(151);
  expect(merge([run("only", "a")], known).length).toBe(1); // a short page is all there is
});

test("a run that has not ended takes until now", () => {
  expect(secondsOf(run("1", "a"))).toBe(10);
  expect(secondsOf({ started: "2026-01-02T03:04:05Z", finished: null }, Date.parse("2026-01-02T03:05:05Z"))).toBe(60);
});
