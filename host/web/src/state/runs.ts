// The list of runs that a search found: read page by page, and read anew when
// a run begins or ends.
import { signal } from "@preact/signals";
import { api } from "../api/client";
import type { Run } from "../api/v1";
import { onEvents } from "./live";

const page = 100;
const calm = 400; // milliseconds: many scripts may start at once

export class RunList {
  readonly runs = signal<readonly Run[]>([]);
  readonly loaded = signal(false);
  readonly busy = signal(false);
  /** Whether there are older ones. */
  readonly more = signal(false);
  readonly error = signal<unknown>(null);
  private readonly leave: () => void;
  private readonly abort = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly asked: { search: string; script: string; state: string }) {
    this.leave = onEvents((events) => {
      if (events.some((e) => e.kind === "run" || e.kind === "state" || e.kind === "result")) this.timer ??= setTimeout(() => void this.again(), calm);
    });
  }

  close(): void {
    this.leave();
    clearTimeout(this.timer);
    this.abort.abort();
  }

  async load(): Promise<void> {
    await this.read(undefined, (found) => {
      this.runs.value = found;
      this.more.value = found.length >= page;
      this.loaded.value = true;
    });
  }

  /** Reads those before the last that is known. */
  async older(): Promise<void> {
    const last = this.runs.peek().at(-1);
    if (!last) return;
    await this.read(last.id, (found) => {
      this.runs.value = [...this.runs.peek(), ...found];
      this.more.value = found.length >= page;
    });
  }

  /** Reads the newest again and keeps the older ones that are there already. */
  private async again(): Promise<void> {
    this.timer = undefined;
    await this.read(undefined, (found) => {
      this.runs.value = merge(found, this.runs.peek());
    });
  }

  private async read(before: string | undefined, take: (found: Run[]) => void): Promise<void> {
    this.busy.value = true;
    try {
      const { runs } = await api.runs({ ...this.asked, limit: page, ...(before ? { before } : {}) }, this.abort.signal);
      if (this.abort.signal.aborted) return;
      take(runs);
      this.error.value = null;
    } catch (err) {
      if (!this.abort.signal.aborted) this.error.value = err;
    } finally {
      this.busy.value = false;
    }
  }
}

/** The newest as they are now, and behind them what was known of older ones. */
export function merge(newest: readonly Run[], known: readonly Run[]): Run[] {
  const oldest = newest.at(-1);
  const fresh = new Set(newest.map((r) => r.id));
  if (newest.length < page || !oldest) return [...newest];
  const at = known.findIndex((r) => r.id === oldest.id);
  return at < 0 ? [...newest] : [...newest, ...known.slice(at + 1).filter((r) => !fresh.has(r.id))];
}

/** How long a run took, or has taken so far. */
export function secondsOf(r: { started: string; finished: string | null }, now = Date.now()): number {
  return ((r.finished ? Date.parse(r.finished) : now) - Date.parse(r.started)) / 1000;
}

/** The parameters of each script whose values are not the same in all of its
 * runs: those that tell the runs apart. */
export function varying(runs: readonly Run[]): Map<string, string[]> {
  const seen = new Map<string, Map<string, Set<string>>>();
  const many = new Map<string, number>();
  for (const r of runs) {
    many.set(r.script, (many.get(r.script) ?? 0) + 1);
    const names = seen.get(r.script) ?? new Map<string, Set<string>>();
    seen.set(r.script, names);
    for (const [name, v] of Object.entries(r.parameters)) names.set(name, (names.get(name) ?? new Set()).add(JSON.stringify(v)));
  }
  const out = new Map<string, string[]>();
  for (const [script, names] of seen) {
    out.set(script, many.get(script) === 1 ? [] : [...names].filter(([, values]) => values.size > 1).map(([name]) => name).sort());
  }
  return out;
}
