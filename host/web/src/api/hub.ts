// One stream for all tabs of a browser: HTTP/1.1 gives an origin six
// connections, and streams that six tabs hold would leave none for requests.
// The hub runs in a shared worker; where there is none, in the page itself.
import { EventStream, type StreamState } from "./stream";
import type { Event } from "./v1";

/** What a tab tells the hub. Focus: the scripts whose details it shows. */
export type ToHub = { kind: "hello"; token: string; focus: string[] } | { kind: "focus"; focus: string[] } | { kind: "retry" } | { kind: "bye" };

/** What the hub tells a tab. */
export type FromHub =
  | { kind: "events"; events: Event[] }
  | { kind: "gap"; why: string }
  | { kind: "state"; state: StreamState; retryAt?: number | undefined };

/** A tab, as the hub sees it. */
export interface Port {
  post(message: FromHub): void;
}

/** What every page wants of every script, thinned; logs come on top. */
const kinds = [
  "state", "run", "described", "samples", "step", "progress", "result", "parameters", "observed", "owner", "route", "message", "warning",
  "artifact", "recorded", "checkpoint", "binary", "notified", "gap",
];

const thin = 0.5; // seconds between two samples of a series that nobody looks at

/** Events that only a page which shows their script wants. */
const detail = new Set(["log"]);

/** The stream that these scripts in detail, and the others in outline, need. */
export function streamPath(focus: readonly string[]): string {
  const q = new URLSearchParams({ thin: String(thin) });
  for (const kind of focus.length > 0 ? [...kinds, "log"] : kinds) q.append("kind", kind);
  for (const name of focus) q.append("full", name);
  return `/api/v1/events?${q}`;
}

export class Hub {
  private tabs = new Map<Port, Set<string>>();
  private stream: EventStream | null = null;
  private token = "";
  private path = "";
  private state: FromHub = { kind: "state", state: "connecting" };

  constructor(private readonly makeStream: (o: ConstructorParameters<typeof EventStream>[0]) => EventStream = (o) => new EventStream(o)) {}

  receive(port: Port, message: ToHub): void {
    switch (message.kind) {
      case "hello":
        this.tabs.set(port, new Set(message.focus));
        this.begin(message.token);
        port.post(this.state);
        if (this.state.kind === "state" && this.state.state === "live") port.post({ kind: "gap", why: "" });
        this.refocus();
        break;
      case "focus":
        if (this.tabs.has(port)) this.tabs.set(port, new Set(message.focus));
        this.refocus();
        break;
      case "retry":
        this.stream?.restart();
        break;
      case "bye":
        this.tabs.delete(port);
        this.refocus();
        if (this.tabs.size === 0) this.end();
    }
  }

  private begin(token: string): void {
    if (this.stream && this.token === token) return;
    this.end();
    this.token = token;
    this.path = streamPath(this.focus());
    this.stream = this.makeStream({
      path: () => this.path,
      token: () => token,
      onEvents: (events) => this.deliver(events),
      onGap: (why) => this.all({ kind: "gap", why }),
      onState: (state, retryAt) => {
        this.state = { kind: "state", state, retryAt };
        this.all(this.state);
        if (state === "refused") this.stream = null;
      },
    });
    this.stream.open();
  }

  private focus(): string[] {
    return [...new Set([...this.tabs.values()].flatMap((f) => [...f]))].sort();
  }

  /** Asks for another stream where tabs have come to show something else. */
  private refocus(): void {
    const path = streamPath(this.focus());
    if (path === this.path || this.tabs.size === 0) return;
    this.path = path;
    this.stream?.restart();
  }

  private end(): void {
    this.stream?.close();
    this.stream = null;
  }

  private deliver(events: Event[]): void {
    for (const [port, focus] of this.tabs) {
      const wanted = events.filter((e) => !detail.has(e.kind) || focus.has(e.script));
      if (wanted.length > 0) port.post({ kind: "events", events: wanted });
    }
  }

  private all(message: FromHub): void {
    for (const port of this.tabs.keys()) port.post(message);
  }
}
