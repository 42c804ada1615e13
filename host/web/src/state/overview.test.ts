import { expect, test } from "vitest";
import type { Script } from "../api/v1";
import { choose, keyVariable, type Choice } from "./overview";
import type { Row } from "./scripts";
import { Spark } from "./spark";
import { count } from "./states";

function row(name: string, state = "running", more: Partial<Script> = {}): Row {
  const script = { name, state, reason: "", step: null, progress: null, restarts: 0, started: null, ...more } as Script;
  return { script, variables: new Map(), since: null, stepRate: null, lastStep: null };
}

const names = (rows: Row[]) => rows.map((r) => r.script.name);
const all: Choice = { search: "", group: "", sort: "worst", descending: false };

test("the worst comes first, then the name in human order", () => {
  const rows = [row("b10"), row("b9"), row("z", "failed"), row("a", "finished"), row("c", "stalled"), row("d", "something new")];
  expect(names(choose(rows, all))).toEqual(["z", "c", "b9", "b10", "a", "d"]);
});

test("unknown values are last in either direction", () => {
  const rows = [row("none"), row("two", "running", { step: 2 }), row("one", "running", { step: 1 })];
  expect(names(choose(rows, { ...all, sort: "step" }))).toEqual(["one", "two", "none"]);
  expect(names(choose(rows, { ...all, sort: "step", descending: true }))).toEqual(["two", "one", "none"]);
});

test("search and groups", () => {
  const rows = [row("trainer", "failed", { reason: "Out of memory" }), row("eval", "lost"), row("x")];
  expect(names(choose(rows, { ...all, search: "MEMORY train" }))).toEqual(["trainer"]);
  expect(names(choose(rows, { ...all, group: "failed" }))).toEqual(["trainer", "eval"]);
  expect(count(rows.map((r) => r.script.state))).toEqual({ running: 1, waiting: 0, stalled: 0, failed: 2, done: 0 });
});

test("the key variable is the one that tells most", () => {
  const r = row("t");
  for (const name of ["lr", "epoch", "train/loss", "val_loss"]) r.variables.set(name, { name, value: 1, step: 1, spark: new Spark(4) });
  expect(keyVariable(r)?.name).toBe("val_loss");
  r.variables.delete("val_loss");
  expect(keyVariable(r)?.name).toBe("train/loss");
});
