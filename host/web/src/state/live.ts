// What this page hears of the host: whoever shows something subscribes here,
// and reads anew when the epoch changes, for then there may be a hole.
import { effect, signal } from "@preact/signals";
import { join, type Link } from "../api/link";
import { currentToken, logOut, session } from "../api/session";
import type { FromHub } from "../api/hub";
import type { StreamState } from "../api/stream";
import type { Event } from "../api/v1";

export const connection = signal<{ state: StreamState; retryAt?: number | undefined }>({ state: "connecting" });

/** Grows whenever what was read before may have holes. */
export const epoch = signal(0);

/** The same for log lines alone. */
export const logEpoch = signal(0);

const calm = 2_000; // milliseconds between two readings of everything

/** Calls at once, but not twice in too short a time. */
function calmly(call: () => void): () => void {
  let due: ReturnType<typeof setTimeout> | undefined;
  let before = -Infinity;
  return () => {
    if (due !== undefined) return;
    const wait = Math.max(0, before + calm - performance.now());
    const now = () => {
      due = undefined;
      before = performance.now();
      call();
    };
    if (wait === 0) now();
    else due = setTimeout(now, wait);
  };
}

const renew = calmly(() => epoch.value++);
const renewLog = calmly(() => logEpoch.value++);

/** Why the page read everything anew, and when: shown until it is closed. */
export const lastGap = signal<{ why: string; at: number } | null>(null);

type Handler = (events: readonly Event[]) => void;
const handlers = new Set<Handler>();

/** Calls back with events in order, in batches, until the result is called. */
export function onEvents(handler: Handler): () => void {
  handlers.add(handler);
  return () => handlers.delete(handler);
}

/** The same for events of one script. */
export function onScriptEvents(script: string, handler: Handler): () => void {
  return onEvents((events) => {
    const ours = events.filter((e) => e.script === script);
    if (ours.length > 0) handler(ours);
  });
}

let link: Link | null = null;
const focused = new Map<string, number>();
const logged = new Map<string, number>();

const look = () => ({ focus: [...focused.keys()], logs: [...logged.keys()] });

function count(in_: Map<string, number>, script: string): () => void {
  in_.set(script, (in_.get(script) ?? 0) + 1);
  link?.tell({ kind: "focus", ...look() });
  return () => {
    const left = (in_.get(script) ?? 1) - 1;
    if (left > 0) in_.set(script, left);
    else in_.delete(script);
    link?.tell({ kind: "focus", ...look() });
  };
}

/** Says that a page shows every sample of a script; the result takes it back. */
export const focus = (script: string) => count(focused, script);

/** The same for the log of a script. */
export const followLog = (script: string) => count(logged, script);

/** Tries to connect now instead of when the wait is over. */
export function retryNow(): void {
  link?.tell({ kind: "retry" });
}

function receive(message: FromHub): void {
  if (message.kind === "events") {
    for (const handler of [...handlers]) handler(message.events);
  } else if (message.kind === "gap") {
    // Log lines that came too fast are in what is kept: the log alone is read anew.
    if (message.kinds.length > 0 && message.kinds.every((k) => k === "log")) {
      renewLog();
      return;
    }
    if (message.why) lastGap.value = { why: message.why, at: Date.now() };
    renew();
  } else {
    connection.value = { state: message.state, retryAt: message.retryAt };
    if (message.state === "refused") logOut("The host does not know this tab's token any more.");
  }
}

/** Begins to listen as soon as somebody is logged in. */
export function startLive(): void {
  link = join(receive);
  const hello = () => {
    if (session.peek() === "in") link?.tell({ kind: "hello", token: currentToken(), ...look() });
  };
  effect(() => {
    if (session.value === "in") hello();
  });
  addEventListener("pagehide", () => link?.tell({ kind: "bye" }));
  addEventListener("pageshow", (e) => {
    if (!e.persisted) return;
    hello();
    epoch.value++;
  });
  addEventListener("online", retryNow);
}
