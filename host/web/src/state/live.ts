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

/** Says that a page shows the details of a script; the result takes it back. */
export function focus(script: string): () => void {
  focused.set(script, (focused.get(script) ?? 0) + 1);
  link?.tell({ kind: "focus", focus: [...focused.keys()] });
  return () => {
    const left = (focused.get(script) ?? 1) - 1;
    if (left > 0) focused.set(script, left);
    else focused.delete(script);
    link?.tell({ kind: "focus", focus: [...focused.keys()] });
  };
}

/** Tries to connect now instead of when the wait is over. */
export function retryNow(): void {
  link?.tell({ kind: "retry" });
}

function receive(message: FromHub): void {
  if (message.kind === "events") {
    for (const handler of [...handlers]) handler(message.events);
  } else if (message.kind === "gap") {
    if (message.why) lastGap.value = { why: message.why, at: Date.now() };
    epoch.value++;
  } else {
    connection.value = { state: message.state, retryAt: message.retryAt };
    if (message.state === "refused") logOut("The host does not know this tab's token any more.");
  }
}

/** Begins to listen as soon as somebody is logged in. */
export function startLive(): void {
  link = join(receive);
  const hello = () => {
    if (session.peek() === "in") link?.tell({ kind: "hello", token: currentToken(), focus: [...focused.keys()] });
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
