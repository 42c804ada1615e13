// One run: what it was given, what was changed in it, what it measured, made
// and left behind.
import { useComputed } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { api, explain } from "../../api/client";
import type { Change, RunDetail, Value } from "../../api/v1";
import { Artifacts } from "../../components/artifacts";
import { Card, Empty, Fact, Failure, Loading, StateBadge } from "../../components/basics";
import { ChangeTable } from "../../components/changes";
import { Icon } from "../../components/icon";
import { KeptText } from "../../components/kept-text";
import { now } from "../../lib/clock";
import { duration, full, num, value, when } from "../../lib/format";
import { useResource } from "../../lib/resource";
import { href } from "../../lib/router";
import { clean } from "../../lib/text";
import { Course } from "../../state/course";
import { epoch, focus } from "../../state/live";
import { secondsOf } from "../../state/runs";
import { lookOf } from "../../state/states";
import { allRows, tick } from "../../state/scripts";
import { ChartsPanel } from "../script/charts";
import { ResultsPanel } from "../script/results";

export function RunPage({ id }: { id: string }) {
  const found = useResource((stop) => api.run(id, stop), [id]);
  const run = found.data;
  const ended = useComputed(() => {
    void tick.value;
    return allRows().some(({ script }) => script.run === id && !lookOf(script.state).live);
  }).value;
  useEffect(() => {
    if (ended && run?.finished === null) found.reload();
  }, [ended]);
  if (!run) {
    return found.error ? <Failure title={`Run ${id} could not be read`} detail={explain(found.error)} onRetry={found.reload} /> : <Loading rows={8} label="Reading the run" />;
  }
  return <Known key={run.id} run={run} />;
}

function Known({ run }: { run: RunDetail }) {
  const course = useMemo(() => new Course(run.script, run.id), [run.script, run.id]);
  const era = epoch.value;
  useEffect(() => void course.load(), [course, era]);
  useEffect(() => () => course.close(), [course]);
  const results = Object.entries(run.results).map(([name, v]) => ({ name, value: v, time: run.finished ?? "" }));
  const live = run.finished === null && lookOf(run.state).live;
  useEffect(() => (live ? focus(run.script) : undefined), [live, run.script]);
  return (
    <div class="page-body">
      <Head run={run} />
      <ChartsPanel course={course} live={live} />
      <ResultsPanel results={live ? course.results.value : results} live={live} />
      <div class="side-by-side">
        <Card title="Parameters at the start">
          <Values of={run.parameters} none="This run had no parameters" />
        </Card>
        <Card title="Changes in this run">
          <Changes of={course.changes.value.length > 0 ? course.changes.value : run.changes} />
        </Card>
      </div>
      <Artifacts run={run.id} list={run.artifacts} live={live} />
      <Record run={run} />
    </div>
  );
}

function Head({ run }: { run: RunDetail }) {
  return (
    <header class="script-head">
      <div class="page-head">
        <a href="#/runs" class="crumb">
          Runs
        </a>
        <Icon name="chevron" size={11} class="faint" />
        <h1>
          <a href={href("script", [run.script])}>{run.script}</a> <span class="mono faint">{run.id}</span>
        </h1>
        <StateBadge state={run.state} />
        {run.reason && <span class="why">{clean(run.reason)}</span>}
      </div>
      <dl class="facts">
        <Fact label="Started" title={full(run.started)}>
          {when(run.started)}
        </Fact>
        <Fact label="Ended" title={full(run.finished)}>
          {when(run.finished)}
        </Fact>
        <Fact label="Took">{duration(secondsOf(run, now.value))}</Fact>
        <Fact label="Exit code">{run.exit_code ?? "–"}</Fact>
        {run.binaries.length > 0 && (
          <Fact label={run.binaries.length > 1 ? "Binaries, and from which step" : "Binary"}>
            {run.binaries.map((b) => (
              <span key={`${b.sha256} ${b.from_step}`} class="mono binary" title={b.sha256}>
                {b.sha256.slice(0, 12)}
                {run.binaries.length > 1 && ` @ ${num(b.from_step)}`}
              </span>
            ))}
          </Fact>
        )}
      </dl>
    </header>
  );
}

function Changes({ of }: { of: readonly Change[] }) {
  return of.length === 0 ? <Empty icon="clock" title="Nothing was changed" /> : <ChangeTable label="Changes in this run" changes={[...of].reverse()} />;
}

function Values({ of, none }: { of: Record<string, Value>; none: string }) {
  const names = Object.keys(of).sort();
  if (names.length === 0) return <Empty title={none} />;
  return (
    <table class="plain" aria-label="Parameters at the start">
      <tbody>
        {names.map((n) => (
          <tr key={n}>
            <th scope="row">{clean(n)}</th>
            <td class="mono wrap">{clean(value(of[n]))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const apart = ["texts", "packages"]; // have a place of their own

/** The facts that let a run be understood, and done again. */
function Record({ run }: { run: RunDetail }) {
  const { record } = run;
  const facts = Object.keys(record).filter((k) => !apart.includes(k)).sort();
  const texts = Object.keys((record.texts as Record<string, unknown> | undefined) ?? {});
  const packages = Object.entries((record.packages as Record<string, Value> | undefined) ?? {});
  return (
    <Card title="Record">
      <dl class="record">
        {facts.map((k) => (
          <div key={k}>
            <dt>{k.replaceAll("_", " ")}</dt>
            <dd class="mono">{clean(told(record[k]))}</dd>
          </div>
        ))}
      </dl>
      {texts.map((name) => (
        <KeptText key={name} run={run.id} name={name} />
      ))}
      {packages.length > 0 && (
        <details class="fold">
          <summary>{packages.length} packages</summary>
          <ul class="packages mono">
            {packages.map(([name, version]) => (
              <li key={name}>
                {clean(name)} <span class="faint">{clean(value(version))}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </Card>
  );
}

/** Writes a fact for people: a command as a line, a group as its parts. */
function told(v: Value | undefined): string {
  if (Array.isArray(v)) return v.map((one) => value(one)).join(" ");
  if (typeof v === "object" && v !== null) {
    return Object.entries(v)
      .map(([k, one]) => `${k} ${told(one)}`)
      .join(" · ");
  }
  return value(v);
}
