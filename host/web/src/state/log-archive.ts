// Older parts of a log, read page by page from what the host keeps: those
// lines that fit a choice, around a time and on from there either way.
import { signal } from "@preact/signals";
import { api } from "../api/client";
import type { LogPage } from "../api/v1";
import { clean } from "../lib/text";
import type { LogChoice, LogLine } from "./logs";

const page = 500;

export class LogArchive {
  lines: LogLine[] = [];
  /** Grows with every change of lines. */
  readonly version = signal(0);
  readonly busy = signal(false);
  readonly error = signal<unknown>(null);
  /** Where to go on; "": there is no more. */
  older = "";
  newer = "";
  /** How many lines came before those that were there: what to scroll by. */
  grown = 0;
  private readonly abort = new AbortController();

  constructor(
    readonly script: string,
    private readonly choice: LogChoice,
  ) {}

  close(): void {
    this.abort.abort();
  }

  /** Reads the lines around a time. */
  async at(time: number): Promise<void> {
    await this.read({ around: new Date(time).toISOString() }, (found) => {
      this.lines = linesOf(found);
      this.grown = 0;
      this.older = found.older;
      this.newer = found.newer;
    });
  }

  async before(): Promise<void> {
    if (!this.older) return;
    await this.read({ before: this.older }, (found) => {
      const lines = linesOf(found);
      this.grown = lines.length;
      this.lines = number([...lines, ...this.lines]);
      this.older = found.older;
    });
  }

  async after(): Promise<void> {
    if (!this.newer) return;
    await this.read({ after: this.newer }, (found) => {
      this.grown = 0;
      this.lines = number([...this.lines, ...linesOf(found)]);
      this.newer = found.newer;
    });
  }

  private async read(where: { around?: string; before?: string; after?: string }, take: (found: LogPage) => void): Promise<void> {
    if (this.busy.peek()) return;
    this.busy.value = true;
    try {
      const level = this.choice.level === "debug" ? {} : { level: this.choice.level };
      const found = await api.logPage(this.script, { ...where, ...level, stream: this.choice.stream, search: this.choice.search, limit: page }, this.abort.signal);
      if (this.abort.signal.aborted) return;
      take(found);
      this.error.value = null;
      this.version.value++;
    } catch (err) {
      if (!this.abort.signal.aborted) this.error.value = err;
    } finally {
      this.busy.value = false;
    }
  }
}

/** Makes lines of what came, and puts the parts of a long one together. */
export function linesOf(found: Pick<LogPage, "lines">): LogLine[] {
  const out: LogLine[] = [];
  const open = new Map<string, LogLine>();
  for (const l of found.lines) {
    const before = open.get(l.stream);
    if (before) before.text += clean(l.text);
    const line = before ?? { id: 0, time: Date.parse(l.time), stream: l.stream, level: l.level, text: clean(l.text) };
    if (!before) out.push(line);
    if (l.partial) open.set(l.stream, line);
    else open.delete(l.stream);
  }
  return number(out);
}

function number(lines: LogLine[]): LogLine[] {
  return lines.map((l, i) => ({ ...l, id: i + 1 }));
}
