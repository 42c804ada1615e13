// The log of one script while a page shows it: its last lines are read once,
// later ones come by the stream.
import { signal } from "@preact/signals";
import { api } from "../api/client";
import type { Event, Log, LogData } from "../api/v1";
import { clean } from "../lib/text";
import { onScriptEvents } from "./live";

export interface LogLine {
  id: number;
  time: number;
  stream: string;
  level: string;
  text: string;
}

const read = 5_000; // lines that are read at first
const most = 20_000; // lines that are kept; beyond it the oldest go

/** The levels, from the quietest. Bare output counts as info, stderr too: a
 * progress bar there is no error. */
export const levels = ["debug", "info", "warn", "error"] as const;
export type Level = (typeof levels)[number];

export function rankOf(level: string): number {
  const at = levels.indexOf(level as Level);
  return at < 0 ? 1 : at;
}

export class LogView {
  lines: LogLine[] = [];
  /** Grows with every change of lines. */
  readonly version = signal(0);
  readonly loaded = signal(false);
  readonly error = signal<unknown>(null);
  /** Lines that are gone from the front, since the beginning. */
  dropped = 0;
  private next = 1;
  private run = "";
  private lastSeq = 0; // of that run
  private past = new Set<string>(); // the runs before it
  private open = new Map<string, LogLine>(); // lines that are continued, by stream
  private waiting: Event[] | null = [];
  private readonly leave: () => void;
  private due = 0;

  constructor(readonly script: string) {
    this.leave = onScriptEvents(script, (events) => {
      for (const e of events) if (e.kind === "log") this.waiting ? this.waiting.push(e) : this.take(e);
    });
  }

  close(): void {
    this.leave();
    cancelAnimationFrame(this.due);
  }

  async load(): Promise<void> {
    this.waiting ??= [];
    try {
      const lines = await api.logs(this.script, { tail: read });
      this.lines = [];
      this.open.clear();
      this.lastSeq = 0;
      this.run = "";
      for (const l of lines) {
        this.turnTo(l.run);
        this.add(l, Date.parse(l.time), l.seq);
      }
      this.error.value = null;
      this.loaded.value = true;
    } catch (err) {
      this.error.value = err;
    }
    const later = this.waiting ?? [];
    this.waiting = null;
    const end = this.lines.at(-1)?.time ?? 0;
    for (const e of later) if (e.seq > 0 || Date.parse(e.time) > end) this.take(e);
    this.changed();
  }

  private take(e: Event): void {
    // After a gap, lines come again that were read meanwhile.
    if (this.past.has(e.run) || (e.run === this.run && e.seq > 0 && e.seq <= this.lastSeq)) return;
    this.turnTo(e.run);
    this.add(e.data as unknown as LogData, Date.parse(e.time), e.seq);
    this.changed();
  }

  /** Another run counts its lines anew. */
  private turnTo(run: string): void {
    if (run === this.run) return;
    if (this.run) this.past.add(this.run);
    this.run = run;
    this.lastSeq = 0;
  }

  private add(l: LogData | Log, time: number, seq: number): void {
    if (seq > 0) this.lastSeq = seq;
    const before = this.open.get(l.stream);
    if (before && before.text.length < 1 << 16) {
      before.text += clean(l.text);
      if (!l.partial) this.open.delete(l.stream);
      return;
    }
    const line: LogLine = { id: this.next++, time, stream: l.stream, level: l.level, text: clean(l.text) };
    this.lines.push(line);
    if (l.partial) this.open.set(l.stream, line);
    if (this.lines.length > most) {
      const cut = this.lines.length - most + most / 10;
      this.lines = this.lines.slice(cut);
      this.dropped += cut;
    }
  }

  private changed(): void {
    this.due ||= requestAnimationFrame(() => {
      this.due = 0;
      this.version.value++;
    });
  }
}

export interface LogChoice {
  level: Level;
  stream: string;
  search: string;
}

/** The lines that are wanted. */
export function chooseLines(lines: readonly LogLine[], c: LogChoice): readonly LogLine[] {
  const least = rankOf(c.level);
  const wanted = c.search.toLowerCase();
  if (least === 0 && !c.stream && !wanted) return lines;
  return lines.filter((l) => rankOf(l.level) >= least && (!c.stream || l.stream === c.stream) && (!wanted || l.text.toLowerCase().includes(wanted)));
}

/** The first line at a time or after it. */
export function indexAt(lines: readonly LogLine[], time: number): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lines[middle]!.time < time) low = middle + 1;
    else high = middle;
  }
  return Math.min(low, lines.length - 1);
}
