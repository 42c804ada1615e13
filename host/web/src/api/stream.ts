// One connection to the host's events that mends itself: it resumes behind the
// last event it has seen, waits longer after each failure, and notices when a
// connection is silent for longer than the host's signs of life are apart. The
// host sends what came in between, or tells by an event of kind "gap" that it
// cannot.
import { FrameParser } from "./sse";
import type { Event, GapData } from "./v1";

export type StreamState = "connecting" | "live" | "waiting" | "refused";

export interface StreamOptions {
  /** The path with its query, asked for at each connection. */
  path: () => string;
  token: () => string;
  /** Events in order, in batches. */
  onEvents: (events: Event[]) => void;
  /** What was shown may have holes: everything should be read again. */
  onGap: (why: string, kinds: readonly string[]) => void;
  /** With the time of the next attempt where it waits. */
  onState: (state: StreamState, retryAt?: number) => void;
  fetch?: typeof fetch;
  random?: () => number;
}

const silence = 40_000; // the host speaks every 15 seconds
const firstWait = 250;
const longestWait = 8_000;

export class EventStream {
  private last = "";
  private attempt = 0;
  private abort: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(private readonly options: StreamOptions) {}

  open(): void {
    this.closed = false;
    void this.connect();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    this.abort?.abort();
  }

  /** Connects again, with the path as it is now. */
  restart(): void {
    if (this.closed) return;
    this.attempt = 0;
    clearTimeout(this.timer);
    this.abort?.abort();
    void this.connect();
  }

  private async connect(): Promise<void> {
    const abort = new AbortController();
    this.abort = abort;
    this.options.onState("connecting");
    try {
      await this.read(abort);
    } catch {
      // The connection failed or ended: either way, another one.
    }
    if (this.abort !== abort || this.closed) return;
    clearTimeout(this.watchdog);
    const wait = this.nextWait();
    this.options.onState("waiting", Date.now() + wait);
    this.timer = setTimeout(() => void this.connect(), wait);
  }

  private nextWait(): number {
    const wait = Math.min(longestWait, firstWait * 2 ** this.attempt++);
    return wait * (0.75 + (this.options.random ?? Math.random)() / 2);
  }

  private async read(abort: AbortController): Promise<void> {
    const headers: Record<string, string> = { Authorization: `Bearer ${this.options.token()}` };
    if (this.last) headers["Last-Event-ID"] = this.last;
    this.watch(abort);
    const answer = await (this.options.fetch ?? fetch)(this.options.path(), { headers, signal: abort.signal, cache: "no-store" });
    if (answer.status === 401) {
      this.closed = true;
      clearTimeout(this.watchdog);
      this.options.onState("refused");
      return;
    }
    if (!answer.ok || !answer.body) throw new Error(`the host answered ${answer.status}`);
    this.attempt = 0;
    this.options.onState("live");
    if (!headers["Last-Event-ID"]) this.options.onGap("", []); // what was before is to be read
    const parser = new FrameParser();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.watch(abort);
      this.take(parser, value);
    }
  }

  private take(parser: FrameParser, chunk: string): void {
    const events: Event[] = [];
    let gap = "";
    const kinds = new Set<string>();
    for (const frame of parser.feed(chunk)) {
      if (frame.id) this.last = frame.id;
      if (!frame.data) continue;
      const event = JSON.parse(frame.data) as Event;
      // A gap without a code is one within a run, and is there for good.
      const data = event.data as unknown as GapData;
      if (event.kind === "gap" && data.code) {
        gap = reasonOf(data);
        for (const kind of data.kinds) kinds.add(kind);
      } else events.push(event);
    }
    if (events.length > 0) this.options.onEvents(events);
    if (gap) this.options.onGap(gap, [...kinds]);
  }

  private watch(abort: AbortController): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => abort.abort(), silence);
  }
}

function reasonOf(gap: GapData): string {
  if (gap.code === "slow") return "This page was too slow to show everything.";
  if (gap.code === "past") return "The page was away for longer than the host remembers.";
  return "The host has changed.";
}
