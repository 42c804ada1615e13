// Runs side by side: their charts over each other, and what they differ in.
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { api, explain } from "../api/client";
import type { Change, ComparedRow, ComparedRun, Comparison } from "../api/v1";
import { Chart } from "../chart/chart";
import type { Moment } from "../chart/plot";
import type { Axis } from "../chart/series";
import { Card, Empty, Failure, Loading, Search, Segments, StateBadge, Switch } from "../components/basics";
import { ChangeTable } from "../components/changes";
import { Icon } from "../components/icon";
import { now } from "../lib/clock";
import { duration, num, value } from "../lib/format";
import { useResource } from "../lib/resource";
import { go, href, route, setQuery } from "../lib/router";
import { clean } from "../lib/text";
import { Course, momentsOf } from "../state/course";
import { epoch, focus, onEvents } from "../state/live";
import { lookOf } from "../state/states";

export function ComparePage({ args }: { args: string[] }) {
  const ids = [...new Set(args)];
  const found = useResource((stop) => api.compare(ids, stop), [ids]);
  if (ids.length < 2) {
    return (
      <Empty icon="chart" title="Two runs or more are compared">
        Choose them in the <a href="#/runs">list of runs</a>.
      </Empty>
    );
  }
  if (!found.data) {
    return found.error ? <Failure title="The runs could not be read" detail={explain(found.error)} onRetry={found.reload} /> : <Loading rows={8} label="Reading the runs" />;
  }
  return <Known key={ids.join()} all={found.data} reload={found.reload} />;
}

/** Kinds of events behind which runs that still go on are compared anew. */
const telling = new Set(["parameters", "observed", "result", "run", "state"]);
const calm = 300; // milliseconds for further ones

const colorOf = (i: number) => `--series-${(i % 8) + 1}`;

function Known({ all, reload }: { all: Comparison; reload: () => void }) {
  const everything = useSignal(false);
  const ids = all.runs.map((r) => r.id).join();
  const courses = useMemo(() => all.runs.map((r) => new Course(r.script, r.id)), [ids]);
  const live = all.runs.filter((r) => lookOf(r.state).live).map((r) => r.id).join();
  const era = epoch.value;
  useEffect(() => courses.forEach((c) => void c.load()), [courses, era]);
  useEffect(() => () => courses.forEach((c) => c.close()), [courses]);
  useEffect(() => {
    if (!live) return;
    const going = new Set(live.split(","));
    const leave = all.runs.filter((r) => going.has(r.id)).map((r) => focus(r.script));
    let due: ReturnType<typeof setTimeout> | undefined;
    leave.push(onEvents((events) => {
      if (events.some((e) => going.has(e.run) && telling.has(e.kind))) due ??= setTimeout(() => ((due = undefined), reload()), calm);
    }));
    return () => {
      clearTimeout(due);
      for (const l of leave) l();
    };
  }, [live, reload]);
  const parts: [string, ComparedRow[]][] = [["Parameters", all.parameters], ["Results", all.results], ["Record", all.record], ["Packages", all.packages]];
  return (
    <div class="page-body">
      <div class="page-head">
        <a href="#/runs" class="crumb">
          Runs
        </a>
        <Icon name="chevron" size={11} class="faint" />
        <h1>{all.runs.length} runs compared</h1>
      </div>
      <ul class="legend">
        {all.runs.map((r, i) => (
          <Run key={r.id} run={r} color={colorOf(i)} others={all.runs.filter((o) => o !== r).map((o) => o.id)} />
        ))}
      </ul>
      <Charts runs={all.runs} courses={courses} names={all.series.map((s) => s.name)} />
      <div class="spread">
        <Switch label="Show what is the same too" checked={everything.value} onChange={(on) => (everything.value = on)} />
        <span aria-hidden="true">Show what is the same too</span>
      </div>
      {parts.map(([title, rows]) => (
        <Side key={title} title={title} rows={everything.value ? rows : rows.filter((r) => r.differs)} same={rows.length} runs={all.runs} />
      ))}
      <Card title="Changes while they ran">
        {all.changes.length === 0 ? <Empty icon="clock" title="Nothing was changed" /> : <ChangeTable changes={[...all.changes].reverse()} label="Changes while they ran" />}
      </Card>
    </div>
  );
}

function Run({ run, color, others }: { run: ComparedRun; color: string; others: string[] }) {
  return (
    <li class="card">
      <svg width="16" height="8" aria-hidden="true">
        <line x1="0" x2="16" y1="4" y2="4" stroke={`var(${color})`} stroke-width="3.5" />
      </svg>
      <a class="mono" href={href("runs", [run.id])}>
        {run.id}
      </a>
      <span class="ellipsis">{run.script}</span>
      <StateBadge state={run.state} />
      <span class="faint">{duration(run.took ?? (lookOf(run.state).live ? now.value / 1000 - beganOf(run) : null))}</span>
      {others.length > 1 && (
        <button type="button" class="button quiet square" aria-label={`Leave out run ${run.id}`} title="Leave out" onClick={() => go(href("compare", others))}>
          <Icon name="close" />
        </button>
      )}
    </li>
  );
}

function Charts({ runs, courses, names }: { runs: readonly ComparedRun[]; courses: readonly Course[]; names: readonly string[] }) {
  const { query } = route.value;
  const search = useSignal("");
  const axis: Axis = query.get("x") === "time" ? "time" : "step";
  const log = query.get("y") === "log";
  const changed = courses.map((c) => c.changes.value);
  const stamp = changed.map((c) => c.length).join();
  const moments = useMemo(() => marksOf(runs, changed), [runs, stamp]);
  const known = names.filter((n) => courses.some((c) => c.names.value.includes(n)));
  if (known.length === 0) return null;
  return (
    <>
      <div class="charts-bar">
        <Segments label="Horizontal axis" value={axis} options={[{ value: "step", label: "Step" }, { value: "time", label: "Time" }]} onChange={(x) => setQuery({ x: x === "time" ? x : undefined })} />
        <Segments label="Vertical axis" value={log ? "log" : "linear"} options={[{ value: "linear", label: "Linear" }, { value: "log", label: "Log" }]} onChange={(y) => setQuery({ y: y === "log" ? y : undefined })} />
        {known.length > 6 && <Search label="Find a chart" value={search.value} onInput={(t) => (search.value = t)} />}
      </div>
      <div class={`charts ${known.length <= 3 ? "few" : ""}`}>
        {known
          .filter((n) => n.toLowerCase().includes(search.value.toLowerCase()))
          .map((name) => (
            <Chart
              key={name} title={name} view={{ axis, log, smoothing: 0 }} moments={moments}
              lines={courses.flatMap((c, i) => (c.names.value.includes(name) ? [{ label: runs[i]!.id, color: colorOf(i), series: c.of(name), began: beganOf(runs[i]!) }] : []))}
              onSight={() => courses.forEach((c) => c.names.peek().includes(name) && void c.want(name))}
            />
          ))}
      </div>
    </>
  );
}

const beganOf = (r: ComparedRun) => Date.parse(r.started) / 1000;

/** What charts over each other mark: the changes of each run, at its own time. */
function marksOf(runs: readonly ComparedRun[], changes: readonly (readonly Change[])[]): Moment[] {
  return runs.flatMap((r, i) => momentsOf(changes[i]!).map((m) => ({ ...m, time: m.time - beganOf(r), text: `${r.id} ${m.text}` })));
}

function Side({ title, rows, same, runs }: { title: string; rows: readonly ComparedRow[]; same: number; runs: readonly ComparedRun[] }) {
  return (
    <Card title={title}>
      {rows.length === 0 ? (
        <p class="card-body muted">{same === 0 ? "None." : `All ${num(same)} are the same.`}</p>
      ) : (
        <div class="scroll-x" tabIndex={0} role="group" aria-label={title}>
          <table class="plain compared" aria-label={title}>
            <thead>
              <tr>
                <th scope="col">Name</th>
                {runs.map((r, i) => (
                  <th scope="col" key={r.id}>
                    <svg width="10" height="8" aria-hidden="true">
                      <line x1="0" x2="10" y1="4" y2="4" stroke={`var(${colorOf(i)})`} stroke-width="3.5" />
                    </svg>{" "}
                    <span class="mono">{r.id}</span>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.name} class={row.differs ? "differs" : ""}>
                  <th scope="row">{clean(row.name)}</th>
                  {row.values.map((v, i) => (
                    <td key={i} class="mono wrap">
                      {clean(value(v))}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}
