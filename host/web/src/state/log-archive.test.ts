import { expect, test, vi } from "vitest";
import { LogArchive } from "./log-archive";

const answer = vi.hoisted(() => ({ logPage: vi.fn() }));
vi.mock("../api/client", () => ({ api: answer }));

const log = (text: string, partial = false) => ({ time: "2026-01-02T03:04:05Z", script: "s", run: "r", stream: "stdout", level: "", text, partial, seq: 0 });

test("pages are read around a time, and on either way", async () => {
  const archive = new LogArchive("s", { level: "warn", stream: "", search: "x" });
  answer.logPage.mockResolvedValueOnce({ lines: [log("c"), log("d", true), log("d")], older: "o1", newer: "n1" });
  await archive.at(0);
  answer.logPage.mockResolvedValueOnce({ lines: [log("a"), log("b")], older: "", newer: "ignored" });
  await archive.before();
  expect(archive.grown).toBe(2);
  answer.logPage.mockResolvedValueOnce({ lines: [log("e")], older: "ignored", newer: "" });
  await archive.after();
  expect(archive.lines.map((l) => `${l.id}${l.text}`)).toEqual(["1a", "2b", "3c", "4dd", "5e"]);
  await archive.before();
  await archive.after();
  expect(answer.logPage.mock.calls.map((c) => c[1] as unknown)).toEqual([
    { around: "1970-01-01T00:00:00.000Z", level: "warn", stream: "", search: "x", limit: 500 },
    { before: "o1", level: "warn", stream: "", search: "x", limit: 500 },
    { after: "n1", level: "warn", stream: "", search: "x", limit: 500 },
  ]);
});

test("what could not be read leaves what is there", async () => {
  const archive = new LogArchive("s", { level: "debug", stream: "", search: "" });
  answer.logPage.mockResolvedValueOnce({ lines: [log("c")], older: "o", newer: "" });
  await archive.at(0);
  answer.logPage.mockRejectedValueOnce(new Error("away"));
  await archive.before();
  expect([archive.lines.length, archive.older, archive.error.value]).toEqual([1, "o", new Error("away")]);
});
