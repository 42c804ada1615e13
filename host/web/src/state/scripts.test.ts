import { expect, test, vi } from "vitest";
import { loadScripts, row, startScripts } from "./scripts";

const handlers: ((events: unknown[]) => void)[] = [];
const overview = vi.fn();
vi.mock("./live", async () => {
  const { signal } = await import("@preact/signals");
  return { connection: signal({ state: "live" }), epoch: signal(0), onEvents: (h: (events: unknown[]) => void) => handlers.push(h) };
});
vi.mock("../api/session", async () => ({ session: (await import("@preact/signals")).signal("out") }));
vi.mock("../api/client", () => ({ api: { overview: () => overview(), host: async () => ({ name: "lab" }) } }));

const trainer = (state: string, run = "r1", at = 5) => ({ event: at, scripts: [{ name: "trainer", state, run, restarts: 0, step: 3, reason: "", variables: [{ name: "loss", value: 1, type: "float", step: 3 }] }] });
const event = (id: number, kind: string, data: unknown, run = "r1") => ({ id, kind, script: "trainer", run, time: new Date(0).toISOString(), data }) as never;

test("what comes while all scripts are read is newer than the answer", async () => {
  startScripts();
  overview.mockResolvedValueOnce(trainer("running"));
  await loadScripts();
  let answer = (_: unknown) => {};
  overview.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
  const reading = loadScripts();
  handlers[0]!([event(6, "state", { state: "failed", reason: "exit code 1", pid: 0, plugin_pid: 0 })]);
  answer(trainer("running"));
  await reading;
  expect(row("trainer")?.script.state).toBe("failed");
});

test("what the answer knows already is not told twice, also where it comes again after a gap", async () => {
  let answer = (_: unknown) => {};
  overview.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
  const reading = loadScripts();
  const restarted = event(8, "run", { attempt: 1 }, "r2");
  handlers[0]!([restarted]);
  answer({ event: 9, scripts: [{ ...trainer("running", "r2").scripts[0], restarts: 1 }] });
  await reading;
  expect(row("trainer")?.script.restarts).toBe(1);
  handlers[0]!([restarted, event(7, "state", { state: "failed" })]);
  expect(row("trainer")?.script).toMatchObject({ restarts: 1, state: "running" });
  handlers[0]!([event(10, "run", { attempt: 1 }, "r3")]);
  expect(row("trainer")?.script.restarts).toBe(2);
});
