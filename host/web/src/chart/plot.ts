// One uPlot with our marks on it. It is told what to draw, and draws it anew
// in the next frame when something of it has changed.
import uPlot from "uplot";
import { duration, num } from "../lib/format";
import { token } from "../lib/theme";
import { smooth, type Axis, type Columns, type Mark, type Series } from "./series";

export interface Line {
  label: string;
  /** One of the tokens --series-1 to -8. */
  color: string;
  series: Series;
  /** When its run began, in seconds: times are then told from there on. */
  began?: number | undefined;
}

/** A moment to mark: a parameter took another value. */
export interface Moment {
  step: number | null;
  time: number; // seconds, as those of the lines
  text: string;
}

export interface View {
  axis: Axis;
  log: boolean;
  /** 0: off. */
  smoothing: number;
}

export interface Reading {
  /** Where the cursor is; null: it is elsewhere, and the latest is told. */
  x: number | null;
  values: (number | null)[];
  moment: string;
}

/** Reads a part of the lines in more detail; null where there is no more. */
export type Zoom = (from: number, to: number) => Promise<Series[] | null>;

const sync = uPlot.sync("mlhost");
const calm = 150; // milliseconds without a further zoom before details are read

export class Plot {
  private plot: uPlot | null = null;
  private drawn = "";
  private columns: Columns[] = [];
  private zoomed = false;
  private details: Series[] | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private at: number | null = null; // the x that keys have gone to
  moments: readonly Moment[] = [];

  constructor(
    private readonly box: HTMLElement,
    private lines: readonly Line[],
    private view: View,
    private readonly onRead: (r: Reading) => void,
    private readonly zoom?: Zoom,
  ) {}

  /** Draws if anything has changed since. Called once in a frame. */
  frame(): void {
    const stamp = `${this.lines.map((l) => l.series.version).join()} ${this.moments.length}`;
    if (stamp === this.drawn) return;
    if (!this.plot && this.lines.every((l) => l.series.count === 0)) return; // its course is still read
    this.drawn = stamp;
    const data = this.data();
    if (!this.plot) this.plot = new uPlot(this.options(), data, this.box);
    else this.plot.setData(data, !this.zoomed);
    if (this.zoomed) this.plot.redraw();
    this.tell();
  }

  resize(width: number, height: number): void {
    if (width > 0) this.plot?.setSize({ width, height });
  }

  destroy(): void {
    clearTimeout(this.timer);
    this.plot?.destroy();
    this.plot = null;
  }

  get axis(): Axis {
    return this.view.axis;
  }

  /** Whether times are told from the beginning of each run. */
  get relative(): boolean {
    return isRelative(this.lines, this.view);
  }

  /** Moves the cursor by so many places; a part of 1 is one of what is in
   * sight. Charts with the same cursor follow. */
  move(by: number): void {
    const u = this.plot;
    const places = u ? inSight(u) : [];
    if (!u || places.length === 0) return;
    const now = this.at === null ? -1 : places.findIndex((x) => x >= this.at!);
    const step = Math.abs(by) < 1 ? Math.sign(by) * Math.max(1, Math.round(Math.abs(by) * places.length)) : by;
    const from = now < 0 ? (by > 0 && by !== Infinity ? -1 : places.length) : now;
    this.at = places[Math.min(places.length - 1, Math.max(0, from + step))]!;
    point(u, u.valToPos(this.at, "x"), u.over.clientHeight / 2);
  }

  /** Takes the cursor away. */
  leave(): void {
    if (this.at === null) return;
    this.at = null;
    if (this.plot) point(this.plot, -10, -10);
  }

  /** The range that is a factor as wide as what is in sight, around the cursor. */
  around(factor: number): [number, number] | null {
    const u = this.plot;
    const { min, max } = u?.scales.x ?? {};
    const xs = u?.data[0];
    if (typeof min !== "number" || typeof max !== "number" || !xs || xs.length < 2) return null;
    const middle = this.at ?? (min + max) / 2;
    const half = ((max - min) * factor) / 2;
    return [Math.max(xs[0]!, middle - half), Math.min(xs[xs.length - 1]!, middle + half)];
  }

  show(min: number, max: number): void {
    if (max > min) this.plot?.setScale("x", { min, max });
  }

  /** Shows everything again after a zoom. */
  reset(): void {
    this.zoomed = false;
    this.details = null;
    this.drawn = "";
  }

  /** Notices a zoom of this chart, or of another one with the same cursor. */
  private scaled(u: uPlot): void {
    const { min, max } = u.scales.x ?? {};
    const xs = u.data[0];
    if (min === undefined || max === undefined || min === null || max === null || xs.length < 2) return;
    const all = min <= xs[0]! && max >= xs[xs.length - 1]!;
    if (all && (this.zoomed || this.details)) this.reset();
    if (all || !this.zoom) return;
    this.zoomed = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.read(min, max), calm);
  }

  private async read(min: number, max: number): Promise<void> {
    const details = await this.zoom?.(min, max).catch(() => null);
    if (!details || !this.zoomed || this.plot?.scales.x?.min !== min) return;
    this.details = details;
    this.drawn = "";
  }

  private data(): uPlot.AlignedData {
    const { axis, log, smoothing } = this.view;
    this.columns = this.lines.map((l, i) => {
      const all = (this.details?.[i] ?? l.series).columns(axis);
      const { began } = l;
      return this.relative && began ? { ...all, xs: all.xs.map((x) => x - began), marks: all.marks.map((m) => ({ ...m, x: m.x - began })) } : all;
    });
    const tables = this.columns.map((c): uPlot.AlignedData => {
      const ys = log ? c.ys.map((y) => (y !== null && y > 0 ? y : null)) : c.ys;
      return smoothing > 0 ? [c.xs, ys, smooth(ys, smoothing)] : [c.xs, ys];
    });
    return tables.length === 1 ? tables[0]! : uPlot.join(tables);
  }

  private options(): uPlot.Options {
    const { axis, log, smoothing } = this.view;
    const text = token("--text-3");
    const grid = { stroke: token("--grid"), width: 1 };
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) / 13 || 1;
    const font = `${11 * rem}px ${token("--font")}`;
    const lines: uPlot.Series[] = this.lines.flatMap((l) => {
      const stroke = token(l.color);
      const own: uPlot.Series = { label: l.label, stroke, width: 1.5, spanGaps: this.lines.length > 1, points: { show: false } };
      return smoothing > 0 ? [{ ...own, width: 1, alpha: 0.28 }, own] : [own];
    });
    return {
      width: Math.max(80, this.box.clientWidth), height: Math.max(80, this.box.clientHeight), pxAlign: 1, padding: [14, 18 * rem, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: sync.key, scales: ["x", null] }, drag: { x: true, y: false, setScale: true }, points: { size: 6 } },
      scales: { x: { time: axis === "time" && !this.relative }, y: log ? { distr: 3 } : { range: (_u, min, max) => rangeOf(min, max) } },
      series: [{}, ...lines],
      axes: [
        { stroke: text, grid, ticks: { show: false }, font, size: 26 * rem, gap: 4, ...this.places() },
        { stroke: text, grid, ticks: { show: false }, font, size: 52 * rem, gap: 6, values: (_u, ticks) => ticks.map((t) => (t === null || t === undefined ? "" : num(t, 3))) },
      ],
      hooks: {
        setCursor: [() => this.tell()],
        setScale: [(u, key) => key === "x" && this.scaled(u)],
        draw: [(u) => this.drawMoments(u), (u) => this.drawMarks(u)],
      },
    };
  }

  /** How the horizontal axis is divided; times of day are uPlot's. */
  private places(): Partial<uPlot.Axis> {
    if (this.view.axis === "step") return { values: (_u, ticks) => ticks.map((t) => num(t, 5)) };
    if (!this.relative) return {};
    return { incrs: [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 604800], values: (_u, ticks) => ticks.map((t) => elapsed(t)) };
  }

  /** Tells the values at the cursor, or the latest. */
  private tell(): void {
    const u = this.plot;
    if (!u) return;
    const index = u.cursor.left !== undefined && u.cursor.left >= 0 ? u.cursor.idx : null;
    if (index === null || index === undefined) {
      this.onRead({ x: null, values: this.lines.map((l) => l.series.latest?.value ?? null), moment: "" });
      return;
    }
    const per = this.view.smoothing > 0 ? 2 : 1;
    const values = this.lines.map((_, i) => u.data[1 + i * per]?.[index] ?? null);
    this.onRead({ x: u.data[0][index] ?? null, values, moment: this.momentAt(u) });
  }

  private momentAt(u: uPlot): string {
    const near = 6; // pixels
    const left = u.cursor.left ?? -1;
    return this.moments.filter((m) => Math.abs(this.place(u, m) - left) <= near).map((m) => m.text).join("; ");
  }

  /** Where a moment is, in pixels of the page from the left of the plot. */
  private place(u: uPlot, m: Moment): number {
    const x = this.view.axis === "step" ? m.step : m.time;
    return x === null ? -100 : u.valToPos(x, "x");
  }

  private drawMoments(u: uPlot): void {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio;
    const color = token("--accent");
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = color;
    ctx.lineWidth = ratio;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    for (const m of this.moments) {
      const x = Math.round(bbox.left + this.place(u, m) * ratio);
      if (x < bbox.left - 1 || x > bbox.left + bbox.width + 1) continue;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.beginPath(); // a diamond on top says what it is, whatever the colour
      const r = 4 * ratio;
      ctx.moveTo(x, bbox.top - 2 * r);
      ctx.lineTo(x + r, bbox.top - r);
      ctx.lineTo(x, bbox.top);
      ctx.lineTo(x - r, bbox.top - r);
      ctx.fill();
    }
    ctx.restore();
  }

  private drawMarks(u: uPlot): void {
    const marks = this.columns.flatMap((c) => c.marks);
    if (marks.length === 0) return;
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.fillStyle = token("--bad");
    ctx.strokeStyle = token("--surface");
    ctx.lineWidth = 4 * ratio;
    ctx.lineJoin = "round";
    ctx.font = `600 ${10 * ratio}px ${token("--font")}`;
    ctx.textAlign = "center";
    let labelled = -Infinity;
    for (const mark of placed(u, marks)) {
      const y = bbox.top + bbox.height;
      ctx.beginPath();
      ctx.moveTo(mark.x - 3.5 * ratio, y);
      ctx.lineTo(mark.x + 3.5 * ratio, y);
      ctx.lineTo(mark.x, y - 6 * ratio);
      ctx.fill();
      if (mark.x - labelled > 30 * ratio) {
        ctx.strokeText(mark.kind, mark.x, y - 9 * ratio); // lines behind it do not hide it
        ctx.fillText(mark.kind, mark.x, y - 9 * ratio);
        labelled = mark.x;
      }
    }
    ctx.restore();
  }
}

function placed(u: uPlot, marks: readonly Mark[]): Mark[] {
  const { left, width } = u.bbox;
  return marks
    .map((m) => ({ x: left + u.valToPos(m.x, "x") * devicePixelRatio, kind: m.kind }))
    .filter((m) => m.x >= left && m.x <= left + width)
    .sort((a, b) => a.x - b.x);
}

/** Puts the cursor somewhere, in this chart and in those that share it. */
function point(u: uPlot, left: number, top: number): void {
  (u.setCursor as (at: { left: number; top: number }, fire: boolean, tellOthers: boolean) => void)({ left, top }, true, true);
}

/** The places that the cursor can go to, each once. */
function inSight(u: uPlot): number[] {
  const { min, max } = u.scales.x ?? {};
  if (typeof min !== "number" || typeof max !== "number") return [];
  return Array.from(u.data[0]).filter((x, i, all) => x >= min && x <= max && x !== all[i - 1]);
}

/** Whether lines are laid over each other from the beginnings of their runs. */
export function isRelative(lines: readonly Line[], view: View): boolean {
  return view.axis === "time" && lines.every((l) => l.began !== undefined);
}

/** A time since the beginning, short: 0, 40 s, 5 m, 2 h 30 m. */
export function elapsed(seconds: number): string {
  if (seconds < 0) return `−${elapsed(-seconds)}`;
  if (seconds < 60) return seconds === 0 ? "0" : `${num(seconds, 3)} s`;
  return duration(seconds).replace(/ 00? [smh]$/, "");
}

/** The range of an axis: a little more than what is drawn. */
export function rangeOf(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
  if (min === max) return [min - Math.abs(min || 1) * 0.1, max + Math.abs(max || 1) * 0.1];
  const pad = (max - min) * 0.06;
  const low = min >= 0 && min - pad < 0 ? 0 : min - pad;
  return [low, max + pad];
}
