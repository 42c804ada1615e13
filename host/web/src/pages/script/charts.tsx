// The live charts of a run: all series, one chart each, with one cursor. Many
// are grouped by their names; those that a person pins stand first.
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { explain } from "../../api/client";
import { Chart } from "../../chart/chart";
import type { Moment, View } from "../../chart/plot";
import type { Axis } from "../../chart/series";
import { Empty, Failure, Loading, Search, Segments, Switch } from "../../components/basics";
import { Fold } from "../../components/fold";
import { groupsOf, openAtFirst, type Group } from "../../lib/groups";
import { memo } from "../../lib/memo";
import { href, route, setQuery } from "../../lib/router";
import { momentsOf, type Course } from "../../state/course";
import { pinned, pinsOf, togglePin } from "../../state/pins";

const few = 3; // charts, up to which they take all the room
const many = 12; // charts, from which on they are grouped
const most = 24; // charts in the groups that are open at first

export function ChartsPanel({ course, live }: { course: Course; live: boolean }) {
  const { query } = route.value;
  const search = useSignal("");
  const names = course.names.value;
  const changes = course.changes.value;
  const moments = useMemo(() => momentsOf(changes), [changes]);
  if (names.length === 0) {
    if (!course.loaded.value) return course.error.value ? <Failure title="The run could not be read" detail={explain(course.error.value)} onRetry={() => void course.load()} /> : <Loading rows={6} label="Reading the run" />;
    return (
      <div class="card">
        <Empty icon="chart" title={live ? "Nothing measured yet" : "This run has measured nothing"}>
          A chart appears for every number that the script reports: <code>mlhost.log(loss=…)</code>, or a pattern in what it prints.
          {!live && (
            <>
              {" "}
              What it has printed is in its <a href={href("script", [course.script], { tab: "logs" })}>log</a>.
            </>
          )}
        </Empty>
      </div>
    );
  }
  const axis: Axis = query.get("x") === "time" ? "time" : "step";
  const log = query.get("y") === "log";
  const smoothing = Math.min(0.99, Math.max(0, Number(query.get("smooth")) || 0));
  return (
    <>
      <div class="charts-bar">
        <Segments label="Horizontal axis" value={axis} options={[{ value: "step", label: "Step" }, { value: "time", label: "Time" }]} onChange={(x) => setQuery({ x: x === "time" ? x : undefined })} />
        <Segments label="Vertical axis" value={log ? "log" : "linear"} options={[{ value: "linear", label: "Linear" }, { value: "log", label: "Log" }]} onChange={(y) => setQuery({ y: y === "log" ? y : undefined })} />
        <div class="smooth">
          <Switch label="Smooth the lines" checked={smoothing > 0} onChange={(on) => setQuery({ smooth: on ? "0.9" : undefined })} />
          {smoothing > 0 ? (
            <label class="smooth">
              <span>smoothed by</span>
              <input type="range" min="0.5" max="0.99" step="0.01" value={smoothing} onInput={(e) => setQuery({ smooth: e.currentTarget.value })} />
              <output>{smoothing}</output>
            </label>
          ) : (
            <span aria-hidden="true">Smoothing</span>
          )}
        </div>
        {names.length > 6 && <Search label={`Find one of ${names.length} charts`} value={search.value} onInput={(t) => (search.value = t)} />}
      </div>
      <ChartGroups course={course} names={names} wanted={search.value} moments={moments} axis={axis} log={log} smoothing={smoothing} />
    </>
  );
}

interface How {
  course: Course;
  moments: readonly Moment[];
  axis: Axis;
  log: boolean;
  smoothing: number;
}

const ChartGroups = memo((props: How & { names: readonly string[]; wanted: string }) => {
  const { names, wanted, ...how } = props;
  const chosen = useSignal<ReadonlyMap<string, boolean>>(new Map());
  const { script } = how.course;
  const stamp = pinned.value;
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const fitting = names.filter((n) => words.every((w) => n.toLowerCase().includes(w)));
  const pins = useMemo(() => pinsOf(script).filter((n) => fitting.includes(n)), [script, stamp, names, wanted]);
  const groups = useMemo(() => groupsOf(fitting.filter((n) => !pins.includes(n)), many), [pins, names, wanted]);
  const open = useMemo(() => openAtFirst(groups, most), [groups]);
  if (fitting.length === 0) return <Empty icon="search" title="No chart fits" />;
  const isOpen = (g: Group) => chosen.value.get(g.title) ?? (words.length > 0 || open.has(g.title));
  const grid = (own: readonly string[]) => (
    <div class={`charts ${names.length <= few ? "few" : ""}`}>
      {own.map((name) => (
        <One key={name} name={name} pinned={pins.includes(name)} {...how} />
      ))}
    </div>
  );
  return (
    <>
      {pins.length > 0 && grid(pins)}
      {groups.map((g) =>
        g.names.length === 0 ? null : g.title === "" ? (
          <div key="">{grid(g.names)}</div>
        ) : (
          <Fold key={`in ${g.title}`} title={g.title} count={g.names.length} open={isOpen(g)} onToggle={() => (chosen.value = new Map(chosen.peek()).set(g.title, !isOpen(g)))}>
            {grid(g.names)}
          </Fold>
        ),
      )}
    </>
  );
});

const One = memo(({ name, pinned: isPinned, course, moments, axis, log, smoothing }: How & { name: string; pinned: boolean }) => {
  const series = course.of(name);
  const own: Axis = series.timed.value ? "time" : axis;
  const lines = useMemo(() => [{ label: name, color: "--series-1", series }], [name, series]);
  const view = useMemo((): View => ({ axis: own, log, smoothing }), [own, log, smoothing]);
  return (
    <Chart
      title={name} lines={lines} moments={moments} view={view} pinned={isPinned} onPin={() => togglePin(course.script, name)}
      onSight={() => void course.want(name)} zoom={(from, to) => course.detail(name, own, from, to)}
    />
  );
});
