import { afterEach, expect, test, vi } from "vitest";
import type { Parameter } from "../api/v1";
import { ParameterSet } from "./parameters";

const handlers: ((events: unknown[]) => void)[] = [];
vi.mock("./live", () => ({ onScriptEvents: (_: string, h: (events: unknown[]) => void) => (handlers.push(h), () => {}) }));
vi.mock("../api/session", () => ({ currentToken: () => "t", logOut: () => {} }));

afterEach(() => {
  vi.unstubAllGlobals();
  handlers.length = 0;
});

function open(answer: { status: number; body: unknown }) {
  vi.stubGlobal("fetch", vi.fn(() => Promise.resolve(new Response(JSON.stringify(answer.body), { status: answer.status }))));
  const set = new ParameterSet("trainer");
  set.list.value = [{ name: "lr", value: 0.1, owner: "" } as Parameter];
  const emit = (kind: string, data: unknown) => handlers[0]?.([{ kind, data, script: "trainer" }]);
  const lr = () => set.list.value[0]!;
  const note = () => set.notes.value.get("lr");
  return { set, emit, lr, note };
}

const outcome = (status: string, more: object) => ({ name: "lr", status, old: 0.1, value: 0.2, step: null, reason: "", ...more });

test("what was pending is applied where it is seen in use", async () => {
  const { set, emit, note } = open({ status: 200, body: { outcomes: [outcome("pending", { reason: "when the epoch ends" })] } });
  await set.set("lr", { value: 0.2 });
  emit("parameters", { revision: 2, author: "user:ada", changes: [{ name: "lr", old: 0.1, new: 0.2, status: "pending", step: null }] });
  expect(note()?.kind).toBe("pending");
  emit("observed", { name: "lr", value: 0.2, step: 77, overwritten: false });
  expect(note()).toMatchObject({ kind: "applied", text: "applied at step 77", own: true });
  emit("observed", { name: "lr", value: 0.1, step: 90, overwritten: true });
  expect(note()).toMatchObject({ kind: "overwritten", own: false });
});

test("a value that is applied becomes the one in use, with its step", async () => {
  const { set, lr, note } = open({ status: 200, body: { outcomes: [outcome("applied", { step: 12 })] } });
  const answer = set.set("lr", { value: 0.2 });
  expect(note()?.kind).toBe("sending");
  expect(lr().value).toBe(0.1); // not before the script has said so
  expect(await answer).toBe(true);
  expect(lr().value).toBe(0.2);
  expect(note()).toMatchObject({ kind: "applied", text: "applied at step 12" });
});

test("a refused value changes nothing and says why", async () => {
  const { set, lr, note } = open({ status: 422, body: { message: "trainer.lr: …", rejected: { outcomes: [outcome("rejected", { reason: "50 is more than 1" })] } } });
  expect(await set.set("lr", { text: "50" })).toBe(false);
  expect(lr().value).toBe(0.1);
  expect(note()).toMatchObject({ kind: "rejected", text: "50 is more than 1" });
});

test("pending, then applied at a step, by whoever", async () => {
  const { set, emit, lr, note } = open({ status: 200, body: { outcomes: [outcome("pending", { reason: "at the end of the epoch" })] } });
  await set.set("lr", { value: 0.2 });
  expect(note()).toMatchObject({ kind: "pending", text: "pending: 0.2, at the end of the epoch" });
  expect(lr().value).toBe(0.1);
  emit("parameters", { revision: 2, author: "user:ada", changes: [{ name: "lr", old: 0.1, new: 0.2, status: "applied", step: 40 }] });
  expect(lr().value).toBe(0.2);
  expect(note()).toMatchObject({ kind: "applied", text: "applied at step 40 by ada" });
});

test("what the script puts in its place is shown as such; owners follow", () => {
  const { emit, lr, note } = open({ status: 200, body: {} });
  emit("observed", { name: "lr", value: 0.05, step: 7, overwritten: true });
  expect(lr().value).toBe(0.05);
  expect(note()?.kind).toBe("overwritten");
  emit("owner", { name: "lr", owner: "route:plateau" });
  expect(lr().owner).toBe("route:plateau");
});

test("a value for the next run stands beside the one in use", async () => {
  const { set, lr, note } = open({ status: 200, body: { outcomes: [outcome("needs_restart", {})] } });
  await set.set("lr", { value: 0.2 });
  expect(lr()).toMatchObject({ value: 0.1, next: 0.2 });
  expect(note()?.text).toBe("0.2 from the next run");
});

test("a change that comes while the list is read is newer than the answer", async () => {
  const { set, emit, lr } = open({ status: 200, body: { parameters: [{ name: "lr", value: 0.1, owner: "" }] } });
  const reading = set.load();
  emit("parameters", { revision: 2, author: "user:ada", changes: [{ name: "lr", old: 0.1, new: 0.2, status: "applied", step: 3 }] });
  await reading;
  expect(lr().value).toBe(0.2);
});

test("what was overwritten stays so when the change is told later, and a later change counts again", async () => {
  const { set, emit, lr, note } = open({ status: 200, body: { outcomes: [outcome("applied", { step: 12 })] } });
  const answer = set.set("lr", { value: 0.2 });
  emit("observed", { name: "lr", value: 0.1, step: 13, overwritten: true });
  emit("parameters", { revision: 2, author: "user:ada", changes: [{ name: "lr", old: 0.1, new: 0.2, status: "applied", step: 12 }] });
  await answer;
  expect([note()?.kind, lr().value]).toEqual(["overwritten", 0.1]);
  emit("parameters", { revision: 3, author: "user:bob", changes: [{ name: "lr", old: 0.1, new: 0.3, status: "applied", step: 40 }] });
  expect(note()?.kind).toBe("applied");
});
