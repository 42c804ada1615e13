// One stream for all tabs of a browser: HTTP/1.1 gives an origin six
// connections, and streams that six tabs hold would leave none for requests.
// The hub runs in a shared worker; where there is none, in the page itself.
import { EventStream, type StreamState } from "./stream";
import type { Event } from "./v1";

/** Scripts that a tab looks at: with every sample, and with their logs. */
export interface Look {
  focus: string[];
  logs: string[];
}

/** What a tab tells the hub. */
export type ToHub = ({ kind: "hello"; token: string } & Look) | ({ kind: "focus" } & Look) | { kind: "retry" } | { kind: "bye" };

/** What the hub tells a tab. */
export type FromHub =
  | { kind: "events"; events: Event[] }
  | { kind: "gap"; why: string; kinds: readonly string[] }
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

/** The stream that these scripts in detail, and the others in outline, need. */
export function streamPath({ focus, logs }: Look): string {
  const q = new URLSearchParams({ thin: String(thin) });
  for (const kind of logs.length > 0 ? [...kinds, "log"] : kinds) q.append("kind", kind);
  for (const name of focus) q.append("full", name);
  for (const name of logs) q.append("logs", name);
  return `/api/v1/events?${q}`;
}

export class Hub {
  private tabs = new Map<Port, Look>();
  private stream: EventStream | null = null;
  private token = "";
  private path = "";
  private state: FromHub = { kind: "state", state: "connecting" };

  constructor(private readonly makeStream: (o: ConstructorParameters<typeof EventStream>[0]) => EventStream = (o) => new EventStream(o)) {}

  receive(port: Port, message: ToHub): void {
    switch (message.kind) {
      case "hello":
        this.tabs.set(port, message);
        this.begin(message.token);
        port.post(this.state);
        if (this.state.kind === "state" && this.state.state === "live") port.post({ kind: "gap", why: "", kinds: [] });
        this.refocus();
        break;
      case "focus":
        if (this.tabs.has(port)) this.tabs.set(port, message);
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
    this.path = streamPath(this.look());
    this.stream = this.makeStream({
      path: () => this.path,
      token: () => token,
      onEvents: (events) => this.deliver(events),
      onGap: (why, kinds) => this.all({ kind: "gap", why, kinds }),
      onState: (state, retryAt) => {
        this.state = { kind: "state", state, retryAt };
        this.all(this.state);
        if (state === "refused") this.stream = null;
      },
    });
    this.stream.open();
  }

  private look(): Look {
    const all = (of: (tab: Look) => string[]) => [...new Set([...this.tabs.values()].flatMap(of))].sort();
    return { focus: all((t) => t.focus), logs: all((t) => t.logs) };
  }

  /** Asks for another stream where tabs have come to show something else. */
  private refocus(): void {
    const path = streamPath(this.look());
    if (path === this.path || this.tabs.size === 0) return;
    this.path = path;
    this.stream?.restart();
  }

  private end(): void {
    this.stream?.close();
    this.stream = null;
  }

  private deliver(events: Event[]): void {
    for (const [port, { logs }] of this.tabs) {
      const wanted = events.filter((e) => e.kind !== "log" || logs.includes(e.script));
      if (wanted.length > 0) port.post({ kind: "events", events: wanted });
    }
  }

  private all(message: FromHub): void {
    for (const port of this.tabs.keys()) port.post(message);
  }
}
