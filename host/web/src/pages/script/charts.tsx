// The live charts of a run: all series, one chart each, with one cursor.
import { useSignal } from "@preact/signals";
import { explain } from "../../api/client";
import { Chart } from "../../chart/chart";
import { Empty, Failure, Loading, Search, Segments, Switch } from "../../components/basics";
import { setQuery, route } from "../../lib/router";
import { momentsOf, type Course } from "../../state/course";
import type { Axis } from "../../chart/series";

export function ChartsPanel({ course, live }: { course: Course; live: boolean }) {
  const { query } = route.value;
  const search = useSignal("");
  const axis: Axis = query.get("x") === "time" ? "time" : "step";
  const log = query.get("y") === "log";
  const smoothing = Math.min(0.99, Math.max(0, Number(query.get("smooth")) || 0));
  const names = course.names.value;
  const shown = names.filter((n) => n.toLowerCase().includes(search.value.toLowerCase()));
  const moments = momentsOf(course.changes.value);
  if (!course.loaded.value && names.length === 0) {
    return course.error.value ? <Failure title="The run could not be read" detail={explain(course.error.value)} onRetry={() => void course.load()} /> : <Loading rows={6} label="Reading the run" />;
  }
  if (names.length === 0) {
    return (
      <div class="card">
        <Empty icon="chart" title={live ? "Nothing measured yet" : "This run has measured nothing"}>
          A chart appears for every number that the script reports: <code>mlhost.log(loss=…)</code>, or a pattern in what it prints.
        </Empty>
      </div>
    );
  }
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
        {names.length > 6 && <Search label="Find a chart" value={search.value} onInput={(t) => (search.value = t)} />}
      </div>
      <div class="charts">
        {shown.map((name) => {
          const series = course.of(name);
          const usable = axis === "step" && series.pieces.length > 0 && !series.hasSteps ? "time" : axis;
          return (
            <Chart
              key={name} title={name} lines={[{ label: name, color: "--series-1", series }]} moments={moments} view={{ axis: usable, log, smoothing }}
              onSight={() => void course.want(name)} zoom={(from, to) => course.detail(name, usable, from, to)}
            />
          );
        })}
      </div>
      {shown.length === 0 && <Empty icon="search" title="No chart fits" />}
    </>
  );
}
