// A script's page: what it does now, its charts, parameters, log and results.
import { useComputed } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { Button, Empty, Fact, Loading, StateBadge } from "../../components/basics";
import { Icon } from "../../components/icon";
import { now } from "../../lib/clock";
import { duration, full, num, rate } from "../../lib/format";
import { href, route } from "../../lib/router";
import { act, actionsFor, destroys } from "../../state/actions";
import { Course } from "../../state/course";
import { epoch, focus } from "../../state/live";
import { leftOf, rateOf } from "../../state/overview";
import { ParameterSet } from "../../state/parameters";
import { loaded, row, tick } from "../../state/scripts";
import { lookOf } from "../../state/states";
import { tabs } from "./tabs";

export function ScriptPage({ args }: { args: string[] }) {
  const name = args[0] ?? "";
  const found = useComputed(() => tick.value >= 0 && row(args[0] ?? "") !== undefined);
  if (!found.value) {
    return loaded.value ? (
      <Empty icon="question" title={`There is no script ${name}`}>
        <a href="#/">All scripts</a>
      </Empty>
    ) : (
      <Loading rows={8} />
    );
  }
  return <Known key={name} name={name} />;
}

/** What changes all the time is read by the head alone: charts and controls
 * are not made anew with every step. */
function Known({ name }: { name: string }) {
  const run = useComputed(() => (tick.value >= 0 && row(name)?.script.run) || "").value;
  const live = useComputed(() => tick.value >= 0 && lookOf(row(name)?.script.state ?? "").live).value;
  const era = epoch.value;
  const parameters = useMemo(() => new ParameterSet(name), [name]);
  const course = useMemo(() => (run ? new Course(name, run) : null), [name, run]);
  useEffect(() => focus(name), [name]);
  useEffect(() => void parameters.load(), [parameters, era]);
  useEffect(() => void course?.load(), [course, era]);
  useEffect(() => () => parameters.close(), [parameters]);
  useEffect(() => () => course?.close(), [course]);
  const asked = route.value.query.get("tab") ?? "";
  const tab = tabs.find((t) => t.id === asked) ?? tabs[0]!;
  return (
    <div class={`page-body ${tab.fill ? "fill" : ""}`}>
      <Head name={name} />
      <nav class="tabs" aria-label={`Views of ${name}`}>
        {tabs.map((t) => (
          <a key={t.id} href={href("script", [name], { tab: t.id })} aria-current={t === tab ? "page" : undefined}>
            {t.title}
          </a>
        ))}
      </nav>
      <tab.view name={name} run={run} live={live} course={course} parameters={parameters} />
    </div>
  );
}

function Head({ name }: { name: string }) {
  void tick.value;
  const found = row(name);
  if (!found) return null;
  const { script } = found;
  const look = lookOf(script.state);
  const p = script.progress;
  const part = p?.total ? Math.min(1, Math.max(0, p.done / p.total)) : null;
  const age = script.started ? (now.value - Date.parse(script.started)) / 1000 : null;
  return (
    <header class="script-head">
      <div class="page-head">
        <a href="#/" class="crumb">
          Scripts
        </a>
        <Icon name="chevron" size={11} class="faint" />
        <h1 class="ellipsis">{script.name}</h1>
        <span class="state-told" role="status">
          <StateBadge state={script.state} />
          {script.reason && <span class={`why ${look.tone === "bad" || look.tone === "warn" ? `tone-${look.tone}-text` : ""}`}>{script.reason}</span>}
        </span>
        <div class="script-actions">
          {actionsFor(script.state).map((a) => (
            <Button key={a.verb} icon={a.icon} kind={destroys(a.verb, script.state) && a.verb === "stop" ? "danger" : "plain"} onClick={() => void act(script.name, a.verb)}>
              {a.label}
            </Button>
          ))}
        </div>
      </div>
      <dl class="facts">
        <Fact label="Step">{p?.total ? `${num(script.step ?? p.done)} of ${num(p.total)}` : num(script.step)}</Fact>
        <Fact label="Rate">{rate(rateOf(found))}</Fact>
        <Fact label="Left">{duration(leftOf(found))}</Fact>
        <Fact label="Started" title={full(script.started)}>
          {age === null ? "never" : `${duration(age)} ago`}
        </Fact>
        <Fact label="Restarts">{num(script.restarts)}</Fact>
        <Fact label="Run">
          {script.run ? (
            <a href={href("runs", [script.run])} class="mono">
              {script.run}
            </a>
          ) : (
            "–"
          )}
        </Fact>
        <Fact label="Process">{script.pid ?? script.plugin_pid ?? "–"}</Fact>
      </dl>
      {part !== null && (
        <div class="meter wide" role="progressbar" aria-label="Progress" aria-valuenow={Math.round(part * 100)} aria-valuemin={0} aria-valuemax={100} aria-valuetext={`${num(p!.done)} of ${num(p!.total)}`}>
          <span style={{ width: `${part * 100}%` }} />
        </div>
      )}
    </header>
  );
}
