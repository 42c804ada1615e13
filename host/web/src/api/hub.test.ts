import { expect, test, vi } from "vitest";
import { Hub, streamPath, type FromHub } from "./hub";
import type { EventStream, StreamOptions } from "./stream";
import type { Event } from "./v1";

function setUp() {
  const streams: { options: StreamOptions; open: ReturnType<typeof vi.fn>; close: ReturnType<typeof vi.fn>; restart: ReturnType<typeof vi.fn> }[] = [];
  const hub = new Hub((options) => {
    const stream = { options, open: vi.fn(), close: vi.fn(), restart: vi.fn() };
    streams.push(stream);
    return stream as unknown as EventStream;
  });
  const tab = () => {
    const got: FromHub[] = [];
    return { got, post: (m: FromHub) => void got.push(m), kinds: () => got.flatMap((m) => (m.kind === "events" ? m.events.map((e) => `${e.script}:${e.kind}`) : [])) };
  };
  return { hub, streams, tab };
}

const event = (script: string, kind: string) => ({ script, kind }) as Event;

test("tabs share one stream, and each gets the logs of what it shows", () => {
  const { hub, streams, tab } = setUp();
  const a = tab();
  const b = tab();
  hub.receive(a, { kind: "hello", token: "t", focus: ["one"], logs: ["one"] });
  hub.receive(b, { kind: "hello", token: "t", focus: [], logs: [] });
  expect(streams.length).toBe(1);
  streams[0]!.options.onEvents([event("one", "log"), event("two", "log"), event("one", "state")]);
  expect(a.kinds()).toEqual(["one:log", "one:state"]);
  expect(b.kinds()).toEqual(["one:state"]);
  hub.receive(b, { kind: "focus", focus: ["two"], logs: ["two"] });
  streams[0]!.options.onEvents([event("two", "log")]);
  expect(b.kinds()).toEqual(["one:state", "two:log"]);
});

test("the stream ends with the last tab, and begins anew with another token", () => {
  const { hub, streams, tab } = setUp();
  const a = tab();
  hub.receive(a, { kind: "hello", token: "t", focus: [], logs: [] });
  hub.receive(a, { kind: "hello", token: "u", focus: [], logs: [] });
  expect(streams.length).toBe(2);
  expect(streams[0]!.close).toHaveBeenCalled();
  hub.receive(a, { kind: "bye" });
  expect(streams[1]!.close).toHaveBeenCalled();
});

test("a tab that comes later learns the state", () => {
  const { hub, streams, tab } = setUp();
  hub.receive(tab(), { kind: "hello", token: "t", focus: [], logs: [] });
  streams[0]!.options.onState("live");
  const late = tab();
  hub.receive(late, { kind: "hello", token: "t", focus: [], logs: [] });
  expect(late.got).toContainEqual({ kind: "state", state: "live", retryAt: undefined });
  expect(late.got).toContainEqual({ kind: "gap", why: "", kinds: [] }); // it reads what there is
});

test("the stream is asked for in detail where a tab looks, and else thinned", () => {
  expect(streamPath({ focus: [], logs: [] })).toMatch(/^\/api\/v1\/events\?thin=0\.5&/);
  expect(streamPath({ focus: ["a"], logs: [] })).not.toContain("log");
  expect(streamPath({ focus: ["a&b"], logs: ["c"] })).toContain("kind=log&full=a%26b&logs=c");
  const { hub, streams, tab } = setUp();
  const a = tab();
  hub.receive(a, { kind: "hello", token: "t", focus: [], logs: [] });
  hub.receive(a, { kind: "focus", focus: ["one"], logs: [] });
  hub.receive(a, { kind: "focus", focus: ["one"], logs: [] });
  expect(streams[0]!.restart).toHaveBeenCalledTimes(1);
  expect(streams[0]!.options.path()).toContain("full=one");
});
