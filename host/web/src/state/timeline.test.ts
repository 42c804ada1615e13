import { expect, test } from "vitest";
import type { Event, Value } from "../api/v1";
import { chapters, days, join, tell } from "./timeline";

const event = (id: number, kind: string, data: unknown, time = "2026-01-02T03:04:05Z"): Event => ({ id, kind, data: data as Value, time, run: "r", script: "s", seq: 0 });

test("a change says what, where and who", () => {
  const told = tell(event(1, "parameters", { author: "user:ada", revision: 1, changes: [{ name: "lr", old: 0.1, new: 0.5, status: "applied", step: 40 }] }));
  expect(told).toMatchObject({ text: "lr 0.1 → 0.5 at step 40", more: "by ada" });
});

test("a failure says why", () => {
  expect(tell(event(1, "state", { state: "failed", reason: "out of memory", exit_code: 1, pid: null, plugin_pid: null }))).toMatchObject({ tone: "bad", more: "out of memory · exit code 1" });
});

test("every kind of every chapter is told, and others are not", () => {
  expect(tell(event(1, "samples", { samples: [] }))).toBeNull();
  const data = { state: "x", command: [], sha256: "", changes: [], author: "", owner: "", route: "", text: "", reason: "", event: "", data: null, name: "", path: "", source: "", target: "", topic: "", dropped: 1 };
  for (const kind of new Set(chapters.flatMap((c) => [...c.kinds]))) expect(tell(event(1, kind, data)), kind).not.toBeNull();
});

test("what is live and what was read join without doubles", () => {
  const e = (id: number) => event(id, "warning", { text: "" });
  expect(join([e(5), e(4), e(6)], [e(4), e(2)]).map((x) => x.id)).toEqual([6, 5, 4, 2]);
});

test("days", () => {
  const all = [event(3, "warning", {}, "2026-01-03T12:00:00Z"), event(2, "warning", {}, "2026-01-02T12:00:00Z"), event(1, "warning", {}, "2026-01-02T11:00:00Z")];
  expect(days(all).map((d) => d.events.length)).toEqual([1, 2]);
});
