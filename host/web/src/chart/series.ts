// A series in a bounded number of buckets, however long it grows: neighbours
// are merged when there are too many. Each bucket keeps its smallest, largest,
// first and last value, so that no peak is lost, and counts what is no number.
import { signal } from "@preact/signals";
import type { Bucket } from "../api/v1";
import { toNumber } from "../lib/format";

export interface Piece {
  step0: number | null;
  step1: number | null;
  time0: number; // seconds
  time1: number;
  count: number;
  min: number;
  max: number;
  first: number;
  last: number;
  nan: number;
  inf: number; // of either sign
}

export type Axis = "step" | "time";

/** Where something that cannot be drawn was: NaN or an infinity. */
export interface Mark {
  x: number;
  kind: "NaN" | "∞";
}

export interface Columns {
  xs: number[];
  ys: (number | null)[];
  marks: Mark[];
}

interface Point {
  step: number | null;
  time: number;
  value: number;
}

export class Series {
  pieces: Piece[] = [];
  /** Grows with every change. */
  version = 0;
  latest: Point | null = null;
  count = 0;
  /** Whether a sample came without a step: only times can then order them all. */
  readonly timed = signal(false);
  private size = 1; // samples in a full piece
  private waiting: Point[] | null = null;
  private resting = false;
  private read: Point | null = null; // the last of the course that was read

  constructor(
    readonly name: string,
    private readonly most = 1200,
  ) {}

  /** Says that nobody looks: what comes is not kept, for the course will be read. */
  rest(): void {
    this.resting = true;
  }

  /** Says that the course will be read: what comes meanwhile waits for it. */
  expect(): void {
    this.resting = false;
    this.waiting ??= [];
  }

  /** Takes the course that was read, and what has come since. */
  load(buckets: readonly Bucket[]): void {
    this.pieces = buckets.map(pieceOf);
    this.size = Math.max(1, ...this.pieces.map((p) => p.count));
    this.count = this.pieces.reduce((n, p) => n + p.count, 0);
    const last = this.pieces.at(-1);
    this.latest = last ? { step: last.step1, time: last.time1, value: lastOf(last) } : null;
    this.timed.value = this.pieces.some((p) => p.step1 === null);
    this.read = this.latest;
    const later = this.waiting ?? [];
    this.waiting = null;
    this.version++;
    for (const p of later) this.push(p.step, p.time, p.value);
  }

  /** Whether a sample is of the course that was read. After a gap the host
   * sends again what it remembers, which may be older than what was read. */
  private known(step: number | null, time: number): boolean {
    const { read } = this;
    return read !== null && time <= read.time && (step === null || read.step === null || step <= read.step);
  }

  /** Gives up waiting: the course could not be read. */
  giveUp(): void {
    const later = this.waiting ?? [];
    this.waiting = null;
    for (const p of later) this.push(p.step, p.time, p.value);
  }

  push(step: number | null, time: number, value: number): void {
    if (this.waiting) {
      this.waiting.push({ step, time, value });
      return;
    }
    if (this.resting || this.known(step, time)) return;
    this.version++;
    this.count++;
    this.latest = { step, time, value };
    if (step === null) this.timed.value = true;
    const one = single(step, time, value);
    const tail = this.pieces.at(-1);
    if (tail && tail.count < this.size) merge(tail, one);
    else this.pieces.push(one);
    if (this.pieces.length > this.most) this.halve();
  }

  private halve(): void {
    const out: Piece[] = [];
    for (let i = 0; i < this.pieces.length; i += 2) {
      const piece = this.pieces[i]!;
      const next = this.pieces[i + 1];
      if (next) merge(piece, next);
      out.push(piece);
    }
    this.pieces = out;
    this.size *= 2;
  }

  /** What is drawn: up to four points for each piece, in order of x. */
  columns(axis: Axis): Columns {
    const points: [number, number | null][] = [];
    const marks: Mark[] = [];
    for (const p of this.pieces) {
      const x0 = axis === "step" ? (p.step0 ?? p.step1) : p.time0;
      const x1 = axis === "step" ? p.step1 : p.time1;
      if (x0 === null || x1 === null) continue;
      if (p.nan > 0) marks.push({ x: x1, kind: "NaN" });
      if (p.inf > 0) marks.push({ x: x1, kind: "∞" });
      if (p.count === 1) {
        points.push([x1, finite(p.last)]);
      } else if (p.count > p.nan + p.inf) {
        const middle = (x0 + x1) / 2;
        points.push([x0, finite(p.first)], [middle, p.min], [middle, p.max], [x1, finite(p.last)]);
      } else {
        points.push([x1, null]);
      }
    }
    // A script that goes back to a checkpoint counts steps twice.
    if (points.some((p, i) => i > 0 && p[0] < points[i - 1]![0])) points.sort((a, b) => a[0] - b[0]);
    return { xs: points.map((p) => p[0]), ys: points.map((p) => p[1]), marks };
  }
}

function finite(n: number): number | null {
  return Number.isFinite(n) ? n : null;
}

function seconds(time: string): number {
  return Date.parse(time) / 1000;
}

function pieceOf(b: Bucket): Piece {
  return {
    step0: b.first_step, step1: b.last_step, time0: seconds(b.first_time), time1: seconds(b.last_time), count: b.count,
    min: toNumber(b.min) ?? NaN, max: toNumber(b.max) ?? NaN, first: toNumber(b.first) ?? NaN, last: toNumber(b.last) ?? NaN,
    nan: b.nan, inf: b.inf + b.neg_inf,
  };
}

function lastOf(p: Piece): number {
  return p.last;
}

function single(step: number | null, time: number, value: number): Piece {
  const nan = Number.isNaN(value) ? 1 : 0;
  const inf = !nan && !Number.isFinite(value) ? 1 : 0;
  const own = nan || inf ? NaN : value;
  return { step0: step, step1: step, time0: time, time1: time, count: 1, min: own, max: own, first: value, last: value, nan, inf };
}

function merge(a: Piece, b: Piece): void {
  a.step1 = b.step1;
  a.time1 = b.time1;
  a.count += b.count;
  a.nan += b.nan;
  a.inf += b.inf;
  a.last = b.last;
  if (Number.isNaN(a.min) || b.min < a.min) a.min = b.min;
  if (Number.isNaN(a.max) || b.max > a.max) a.max = b.max;
}

/** An exponential mean that forgives a slow start; holes stay holes. */
export function smooth(ys: readonly (number | null)[], weight: number): (number | null)[] {
  let mean = 0;
  let total = 0;
  return ys.map((y) => {
    if (y === null) return null;
    mean = weight * mean + (1 - weight) * y;
    total = weight * total + (1 - weight);
    return mean / total;
  });
}
