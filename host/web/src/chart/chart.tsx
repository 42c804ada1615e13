// A chart with its heading, what the cursor reads, and its numbers as a table.
import { useEffect, useRef, useState } from "preact/hooks";
import { IconButton } from "../components/basics";
import { clock, duration, num } from "../lib/format";
import { isDark } from "../lib/theme";
import { isRelative, Plot, type Line, type Moment, type Reading, type View, type Zoom } from "./plot";

interface ChartProps {
  title: string;
  lines: readonly Line[];
  moments?: readonly Moment[];
  view: View;
  /** Called when it comes into sight: the time to read the course. */
  onSight?: () => void;
  /** Reads a part in more detail. */
  zoom?: Zoom;
  note?: string;
  pinned?: boolean;
  onPin?: () => void;
}

// All charts share one timer: in each frame, those in sight may draw.
const visible = new Set<Plot>();
let ticking = 0;

function tick(): void {
  for (const plot of visible) plot.frame();
  ticking = visible.size > 0 ? requestAnimationFrame(tick) : 0;
}

function show(plot: Plot): () => void {
  visible.add(plot);
  ticking ||= requestAnimationFrame(tick);
  return () => visible.delete(plot);
}

/** Shows everything in every chart: they share a cursor, and zoom together. */
function showAll(): void {
  for (const plot of visible) plot.reset();
}

/** What a key does to a chart; false: nothing. */
function press(plot: Plot, e: KeyboardEvent): boolean {
  if (e.altKey || e.ctrlKey || e.metaKey) return false;
  const by = { ArrowRight: 1, ArrowLeft: -1, PageDown: 0.05, PageUp: -0.05, Home: -Infinity, End: Infinity }[e.key];
  if (by !== undefined) plot.move(e.shiftKey ? by * 10 : by);
  else if (e.key === "+" || e.key === "=" || e.key === "-") {
    const range = plot.around(e.key === "-" ? 2 : 0.5);
    if (range) for (const p of visible) if (p.axis === plot.axis) p.show(...range);
  } else if (e.key === "0") showAll();
  else if (e.key === "Escape") plot.leave();
  else return false;
  return true;
}

export function Chart(props: ChartProps) {
  const { title, lines, view, moments = [] } = props;
  const figure = useRef<HTMLElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const readout = useRef<HTMLSpanElement>(null);
  const spoken = useRef<HTMLSpanElement>(null);
  const told = useRef(""); // what the cursor reads, in full
  const values = useRef<HTMLUListElement>(null);
  const sight = useSight(figure);
  const [asTable, setTable] = useState(false);
  const dark = isDark();
  const stamp = lines.map((l) => `${l.label} ${l.color}`).join();
  useEffect(() => {
    if (sight) props.onSight?.(); // a line that joins later is in sight too
  }, [sight, stamp]);
  useEffect(() => {
    const element = box.current;
    if (!sight || !element || asTable) return;
    // What is told in words follows too, but not sixty times a second.
    let telling: ReturnType<typeof setTimeout> | undefined;
    let before = -Infinity;
    const tell = () => {
      telling = undefined;
      before = performance.now();
      element.setAttribute("aria-label", summary(title, lines, made.moments));
    };
    const made = new Plot(element, lines, view, (r) => {
      told.current = reading(lines, view, r);
      if (readout.current) readout.current.textContent = lines.length > 1 ? about(lines, view, r) : told.current;
      values.current?.querySelectorAll(".chart-value").forEach((e, i) => (e.textContent = num(r.values[i])));
      if (telling === undefined && performance.now() - before > 500) tell();
      else telling ??= setTimeout(tell, 500);
    }, props.zoom);
    made.moments = moments;
    plot.current = made;
    const hide = show(made);
    const resized = new ResizeObserver(() => made.resize(element.clientWidth, element.clientHeight));
    resized.observe(element);
    return () => {
      hide();
      clearTimeout(telling);
      resized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [sight, view.axis, view.log, view.smoothing, dark, stamp, asTable]);
  useEffect(() => {
    if (plot.current) plot.current.moments = moments;
    box.current?.setAttribute("aria-label", summary(title, lines, moments));
  }, [moments.length, sight, asTable]);
  return (
    <figure class="chart card" ref={figure} aria-label={title}>
      <figcaption class="chart-head">
        <span class="chart-title ellipsis" title={title}>
          {title}
        </span>
        <span class="chart-reading ellipsis" ref={readout} />
        <span class="chart-buttons">
          {props.onPin && (
            <IconButton icon="pin" label={`Pin ${title}: show it first, and in the table of scripts`} aria-pressed={props.pinned ?? false} onClick={props.onPin} class={props.pinned ? "pinned" : "on-hover"} />
          )}
          {!asTable && <IconButton icon="undo" label={`Show all of ${title}`} onClick={showAll} class="on-hover" />}
          <IconButton icon={asTable ? "chart" : "table"} label={asTable ? `Show ${title} as a chart` : `Show ${title} as a table`} aria-pressed={asTable} onClick={() => setTable(!asTable)} />
        </span>
      </figcaption>
      {asTable ? (
        <Numbers title={title} lines={lines} view={view} />
      ) : (
        <div
          class="chart-keys" tabIndex={0} role="application" aria-label={`Values of ${title}: arrow keys go through them, plus and minus zoom, 0 shows all`}
          onKeyDown={(e) => {
            if (!plot.current || !press(plot.current, e)) return;
            e.preventDefault();
            if (spoken.current) spoken.current.textContent = told.current;
          }}
          onBlur={() => {
            plot.current?.leave();
            if (spoken.current) spoken.current.textContent = "";
          }}
        >
          <div class="chart-box" ref={box} role="img" aria-label={`Chart of ${title}`} />
          <span class="sr" ref={spoken} role="status" />
        </div>
      )}
      {lines.length > 1 && (
        <ul class="chart-lines" ref={values}>
          {lines.map((l) => (
            <li key={l.label}>
              <svg width="14" height="8" aria-hidden="true">
                <line x1="0" x2="14" y1="4" y2="4" stroke={`var(${l.color})`} stroke-width="3" />
              </svg>
              <span class="ellipsis">{l.label}</span>
              <span class="chart-value" aria-hidden="true" />
            </li>
          ))}
        </ul>
      )}
      {props.note && <p class="chart-note small muted">{props.note}</p>}
    </figure>
  );
}

/** Whether an element is in sight, or close to it. */
function useSight(ref: { current: HTMLElement | null }): boolean {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const watcher = new IntersectionObserver((entries) => setSeen(entries.some((e) => e.isIntersecting)), { root: element.closest(".page"), rootMargin: "300px" });
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);
  return seen;
}

/** A place on the horizontal axis, in words. */
function place(x: number, lines: readonly Line[], view: View): string {
  if (view.axis === "step") return num(Math.round(x));
  return isRelative(lines, view) ? (x < 0 ? `−${duration(-x)}` : duration(x)) : clock(x * 1000);
}

/** Where the cursor is, and what was changed there. */
function about(lines: readonly Line[], view: View, r: Reading): string {
  return [r.x === null ? "" : `@ ${place(r.x, lines, view)}`, r.moment ? `◆ ${r.moment}` : ""].filter(Boolean).join("  ");
}

function reading(lines: readonly Line[], view: View, r: Reading): string {
  const values = r.values.map((v, i) => (lines.length > 1 ? `${lines[i]!.label} ${num(v)}` : num(v))).join("  ");
  const where = about(lines, view, r);
  return where ? values + (r.x === null ? "  " : " ") + where : values;
}

function summary(title: string, lines: readonly Line[], moments: readonly Moment[]): string {
  const parts = lines.map((l) => {
    const s = l.series;
    const min = Math.min(...s.pieces.map((p) => p.min).filter(Number.isFinite));
    const max = Math.max(...s.pieces.map((p) => p.max).filter(Number.isFinite));
    const bad = s.pieces.reduce((n, p) => n + p.nan + p.inf, 0);
    return `${l.label}: ${num(s.count)} samples${Number.isFinite(min) ? ` from ${num(min)} to ${num(max)}${s.latest ? `, the last ${num(s.latest.value)}` : ""}` : ""}${bad ? `, ${num(bad)} of them no finite number` : ""}`;
  });
  return `Chart of ${title}. ${parts.join(". ")}${moments.length > 0 ? `. ${moments.length} ${moments.length === 1 ? "change of a parameter is" : "changes of parameters are"} marked` : ""}`;
}

/** At most some fifty rows of what the chart shows, for who reads numbers. */
function Numbers({ title, lines, view }: { title: string; lines: readonly Line[]; view: View }) {
  const rows = lines.flatMap((l) => {
    const every = Math.max(1, Math.ceil(l.series.pieces.length / 50));
    return l.series.pieces.filter((_, i, all) => i % every === 0 || i === all.length - 1).map((p) => ({ l, p }));
  });
  return (
    <div class="chart-table" tabIndex={0} role="group" aria-label={`Numbers of ${title}`}>
      <table aria-label={`Numbers of ${title}`}>
        <thead>
          <tr>
            {lines.length > 1 && <th scope="col">Line</th>}
            <th scope="col">{view.axis === "step" ? "Step" : "Time"}</th>
            <th scope="col">Value</th>
            <th scope="col">Least</th>
            <th scope="col">Most</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ l, p }, i) => (
            <tr key={i}>
              {lines.length > 1 && <td>{l.label}</td>}
              <td>{view.axis === "step" ? num(p.step1) : place(p.time1 - (isRelative(lines, view) ? l.began! : 0), lines, view)}</td>
              <td>{num(p.last)}</td>
              <td>{num(p.min)}</td>
              <td>{num(p.max)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
