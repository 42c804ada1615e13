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

/** Events that only a page which shows their script wants. */
const detail = new Set(["log"]);

export class Hub {
  private tabs = new Map<Port, Set<string>>();
  private stream: EventStream | null = null;
  private token = "";
  private state: FromHub = { kind: "state", state: "connecting" };

  constructor(private readonly makeStream: (o: ConstructorParameters<typeof EventStream>[0]) => EventStream = (o) => new EventStream(o)) {}

  receive(port: Port, message: ToHub): void {
    switch (message.kind) {
      case "hello":
        this.tabs.set(port, new Set(message.focus));
        this.begin(message.token);
        port.post(this.state);
        break;
      case "focus":
        if (this.tabs.has(port)) this.tabs.set(port, new Set(message.focus));
        break;
      case "retry":
        this.stream?.restart();
        break;
      case "bye":
        this.tabs.delete(port);
        if (this.tabs.size === 0) this.end();
    }
  }

  private begin(token: string): void {
    if (this.stream && this.token === token) return;
    this.end();
    this.token = token;
    this.stream = this.makeStream({
      path: () => "/api/v1/events",
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
