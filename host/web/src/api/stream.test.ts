import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EventStream, type StreamState } from "./stream";
import type { Event } from "./v1";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const frame = (id: number, kind = "warning", code = "") => `id: ${id}\nevent: ${kind}\ndata: {"id":${id},"kind":"${kind}","data":{"code":"${code}","kinds":["samples"]}}\n\n`;

/** A host whose connections the test opens, feeds and breaks. */
function fakeHost() {
  const asked: { headers: Record<string, string> }[] = [];
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const host = {
    asked,
    down: false,
    status: 200,
    send: (text: string) => controller?.enqueue(new TextEncoder().encode(text)),
    cut: () => controller?.error(new Error("cut")),
    fetch: vi.fn((_: unknown, init?: RequestInit) => {
      asked.push({ headers: init?.headers as Record<string, string> });
      if (host.down) return Promise.reject(new TypeError("refused"));
      const body = new ReadableStream<Uint8Array>({ start: (c) => void (controller = c) });
      init?.signal?.addEventListener("abort", () => controller?.error(new DOMException("", "AbortError")));
      return Promise.resolve(new Response(body, { status: host.status }));
    }) as unknown as typeof fetch,
  };
  return host;
}

function start(host: ReturnType<typeof fakeHost>) {
  const events: Event[] = [];
  const gaps: string[] = [];
  const states: StreamState[] = [];
  const stream = new EventStream({
    path: () => "/api/v1/events",
    token: () => "secret",
    onEvents: (batch) => events.push(...batch),
    onGap: (why) => gaps.push(why),
    onState: (state) => states.push(state),
    fetch: host.fetch,
    random: () => 0.5,
  });
  stream.open();
  return { stream, events, gaps, states };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

test("it resumes behind the last event, where there is no hole", async () => {
  const host = fakeHost();
  const { events, gaps, states, stream } = start(host);
  await settle();
  expect(host.asked[0]?.headers).toEqual({ Authorization: "Bearer secret" });
  host.send(frame(1) + frame(7));
  await settle();
  expect(events.map((e) => e.id)).toEqual([1, 7]);
  expect(gaps).toEqual([""]);
  host.send("id: 9\n\n");
  await settle();
  host.cut();
  await settle();
  expect(states.at(-1)).toBe("waiting");
  await vi.advanceTimersByTimeAsync(300);
  expect(host.asked[1]?.headers["Last-Event-ID"]).toBe("9");
  expect(states.at(-1)).toBe("live");
  expect(gaps).toEqual([""]);
  stream.close();
});

test("it waits longer after each failure, and is quick again after a success", async () => {
  const host = fakeHost();
  host.down = true;
  const { stream } = start(host);
  for (const [after, attempts] of [[0, 1], [250, 2], [500, 3], [1000, 4], [2000, 5], [4000, 6], [8000, 7], [8000, 8]] as const) {
    await vi.advanceTimersByTimeAsync(after);
    expect(host.asked.length).toBe(attempts);
  }
  host.down = false;
  await vi.advanceTimersByTimeAsync(8000);
  host.cut();
  await vi.advanceTimersByTimeAsync(250);
  expect(host.asked.length).toBe(10);
  stream.close();
});

test("a silent connection is given up", async () => {
  const host = fakeHost();
  const { stream } = start(host);
  await settle();
  host.send(": still here\n\n");
  await vi.advanceTimersByTimeAsync(39_000);
  expect(host.asked.length).toBe(1);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(host.asked.length).toBe(2);
  stream.close();
});

test("a gap that the host tells is passed on; a refusal ends it", async () => {
  const host = fakeHost();
  const { gaps, events, stream } = start(host);
  await settle();
  host.send(frame(3, "gap", "slow") + frame(4, "gap"));
  await settle();
  expect(gaps.length).toBe(2); // one of them at the start
  expect(events.map((e) => e.id)).toEqual([4]);
  stream.close();
  const refusing = fakeHost();
  refusing.status = 401;
  const second = start(refusing);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(second.states.at(-1)).toBe("refused");
  expect(refusing.asked.length).toBe(1);
});
