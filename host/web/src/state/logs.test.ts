import { expect, test, vi } from "vitest";
import { chooseLines, indexAt, LogView, type LogLine } from "./logs";

const handlers: ((events: unknown[]) => void)[] = [];
vi.mock("./live", () => ({ onScriptEvents: (_: string, h: (events: unknown[]) => void) => (handlers.push(h), () => {}) }));
const answer = vi.hoisted(() => ({ logs: vi.fn() }));
vi.mock("../api/client", () => ({ api: answer }));

const at = (s: number) => new Date(s * 1000).toISOString();
const live = (seq: number, text: string, partial = false) => ({ kind: "log", run: "r1", seq, time: at(seq), data: { stream: "stdout", level: "", text, partial } });

test("what was read and what comes meet without a hole and without doubles", async () => {
  let give: (lines: unknown[]) => void = () => {};
  answer.logs.mockReturnValue(new Promise((r) => (give = r)));
  const view = new LogView("trainer");
  const done = view.load();
  handlers.at(-1)!([live(2, "two"), live(3, "three")]); // two is in the answer as well
  give([1, 2].map((n) => ({ run: "r1", time: at(n), stream: "stdout", level: "", text: `line ${n}`, partial: false, seq: n })));
  await done;
  handlers.at(-1)!([live(4, "fo", true), live(5, "ur")]);
  expect(view.lines.map((l) => l.text)).toEqual(["line 1", "line 2", "three", "four"]);
  view.close();
});

test("what comes again after a gap is not told twice, however old; another run begins anew", async () => {
  answer.logs.mockResolvedValue([4998, 4999].map((n) => ({ run: "r1", time: at(n), stream: "stdout", level: "", text: `line ${n}`, partial: false, seq: n })));
  const view = new LogView("trainer");
  await view.load();
  const emit = handlers.at(-1)!;
  emit([live(1, "old"), live(4999, "known"), live(5000, "new"), { ...live(1, "restarted"), run: "r2" }, live(5001, "late")]);
  expect(view.lines.map((l) => l.text)).toEqual(["line 4998", "line 4999", "new", "restarted"]);
  view.close();
});

test("the number of lines is bounded", async () => {
  answer.logs.mockResolvedValue([]);
  const view = new LogView("trainer");
  await view.load();
  handlers.at(-1)!(Array.from({ length: 50_000 }, (_, i) => live(i + 1, String(i))));
  expect(view.lines.length).toBeLessThanOrEqual(20_000);
  expect(view.lines.at(-1)?.text).toBe("49999");
  expect(view.dropped + view.lines.length).toBe(50_000);
  view.close();
});

const line = (time: number, level = "", text = "", stream = "stdout"): LogLine => ({ id: time, time, level, text, stream });

test("levels, streams and search choose; a time is found", () => {
  const lines = [line(1, "debug"), line(2, "", "Loss"), line(3, "error", "x", "log")];
  expect(chooseLines(lines, { level: "debug", stream: "", search: "" })).toBe(lines);
  expect(chooseLines(lines, { level: "info", stream: "", search: "" }).map((l) => l.id)).toEqual([2, 3]);
  expect(chooseLines(lines, { level: "debug", stream: "log", search: "" }).map((l) => l.id)).toEqual([3]);
  expect(chooseLines(lines, { level: "debug", stream: "", search: "loss" }).map((l) => l.id)).toEqual([2]);
  expect(indexAt(lines, 2)).toBe(1);
  expect(indexAt(lines, 99)).toBe(2);
});
