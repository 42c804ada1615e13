// The series of one script's run while a page shows it: read when a chart
// comes into sight, then fed from the stream.
import { signal } from "@preact/signals";
import { api } from "../api/client";
import type { Change, Event, ObservedData, ParametersData, ResultData, Result, SamplesData } from "../api/v1";
import { Series, type Axis } from "../chart/series";
import type { Moment } from "../chart/plot";
import { toNumber, value } from "../lib/format";
import { onScriptEvents } from "./live";
import { rankOfName } from "./overview";
import { row } from "./scripts";

const points = 1000;
const again = 1_000; // milliseconds until what could not be read is read again
const collator = new Intl.Collator("en", { numeric: true });

export class Course {
  /** Names of the numeric series, the most telling first; grows as the script reports more. */
  readonly names = signal<readonly string[]>([]);
  readonly changes = signal<readonly Change[]>([]);
  readonly results = signal<readonly Result[]>([]);
  readonly loaded = signal(false);
  readonly error = signal<unknown>(null);
  private readonly series = new Map<string, Series>();
  private readonly read = new Set<string>();
  private readonly leave: () => void;
  private abort = new AbortController();
  private unsorted = false;
  private since: Event[] | null = null; // what comes while the run is read

  constructor(
    readonly script: string,
    readonly run: string,
  ) {
    this.leave = onScriptEvents(script, (events) =>
      events.forEach((e) => {
        if (e.kind !== "samples") this.since?.push(e);
        this.apply(e);
      }),
    );
    // What the table knows already need not wait for the first answer.
    const known = row(script);
    if (known?.script.run === run) for (const name of known.variables.keys()) this.of(name);
    this.sort();
  }

  close(): void {
    this.leave();
    this.abort.abort();
  }

  /** Reads what there is of the run; after a hole, everything again. */
  async load(): Promise<void> {
    this.abort.abort();
    this.abort = new AbortController();
    const { signal: stop } = this.abort;
    const known = [...this.read];
    this.read.clear();
    for (const name of known) void this.want(name);
    this.since ??= [];
    try {
      const [run, results] = await Promise.all([api.run(this.run, stop), api.results(this.script, stop)]);
      if (stop.aborted) return;
      this.changes.value = run.changes;
      if (results.run === this.run) this.results.value = results.results;
      const since = this.since ?? [];
      this.since = null;
      for (const e of since) this.apply(e); // the answers may be older
      for (const s of run.series) if (toNumber(s.last) !== null && typeof s.last !== "boolean") this.of(s.name);
      this.error.value = null;
      this.loaded.value = true;
    } catch (err) {
      if (stop.aborted) return;
      this.since = null;
      this.error.value = err;
    }
  }

  /** The series of a name, which is made where there is none. */
  of(name: string): Series {
    let s = this.series.get(name);
    if (!s) {
      s = new Series(name);
      s.rest(); // until it is in sight
      this.series.set(name, s);
      this.unsorted ||= (queueMicrotask(() => this.sort()), true); // hundreds may come at once
    }
    return s;
  }

  /** A change that was pending has taken place at this step. */
  private settle(d: ObservedData): void {
    const list = this.changes.peek();
    const at = list.findLastIndex((c) => c.name === d.name);
    const found = list[at];
    if (d.overwritten || found?.status !== "pending" || JSON.stringify(found.new) !== JSON.stringify(d.value)) return;
    this.changes.value = list.with(at, { ...found, status: "applied", step: d.step });
  }

  private sort(): void {
    if (this.series.size === this.names.peek().length) return;
    this.unsorted = false;
    const ranked = [...this.series.keys()].map((name) => ({ name, rank: rankOfName(name) }));
    this.names.value = ranked.sort((a, b) => a.rank - b.rank || collator.compare(a.name, b.name)).map((r) => r.name);
  }

  /** Reads the course of a series, once. */
  async want(name: string): Promise<void> {
    if (this.read.has(name)) return;
    this.read.add(name);
    const s = this.of(name);
    s.expect();
    const { signal: stop } = this.abort;
    try {
      const chart = await api.chart(this.run, name, points, stop);
      if (!stop.aborted) s.load(chart.buckets);
    } catch {
      if (stop.aborted) return; // it is read anew, and what comes meanwhile waits for that
      this.read.delete(name);
      s.giveUp();
      // Until then it may have a hole.
      setTimeout(() => !stop.aborted && void this.want(name), again);
    }
  }

  /** Reads a part of a series in more detail, where there is more to read. */
  async detail(name: string, axis: Axis, from: number, to: number): Promise<Series[] | null> {
    const whole = this.of(name);
    if (whole.count === whole.pieces.length) return null;
    const time = (s: number) => new Date(s * 1000).toISOString();
    const range = axis === "step" ? { from_step: Math.max(0, Math.floor(from)), to_step: Math.ceil(to) } : { since: time(from), until: time(to) };
    const chart = await api.chart(this.run, name, points, this.abort.signal, range);
    const part = new Series(name);
    part.load(chart.buckets);
    return [part];
  }

  private apply(event: Event): void {
    if (event.run !== this.run) return;
    const data = event.data as unknown;
    if (event.kind === "samples") {
      for (const s of (data as SamplesData).samples) {
        const n = toNumber(s.value);
        if (n === null || s.type === "bool") continue;
        this.of(s.name).push(s.step, Date.parse(s.time) / 1000, n);
      }
    } else if (event.kind === "parameters") {
      const d = data as ParametersData;
      const came = d.changes.map((c): Change => ({ ...c, time: event.time, revision: d.revision, author: d.author }));
      this.changes.value = [...this.changes.peek(), ...came.filter((c) => !this.changes.peek().some((o) => same(o, c)))];
    } else if (event.kind === "observed") {
      this.settle(data as ObservedData);
    } else if (event.kind === "result") {
      const r = data as ResultData;
      this.results.value = [...this.results.peek().filter((o) => o.name !== r.name), { name: r.name, value: r.value, time: event.time }];
    }
  }
}

function same(a: Change, b: Change): boolean {
  return a.name === b.name && a.revision === b.revision && a.status === b.status && a.time === b.time;
}

/** What charts mark: the changes that took place. */
export function momentsOf(changes: readonly Change[]): Moment[] {
  return changes
    .filter((c) => c.status === "applied")
    .map((c) => ({ step: c.step, time: Date.parse(c.time) / 1000, text: `${c.name} ${value(c.old)} → ${value(c.new)}` }));
}
