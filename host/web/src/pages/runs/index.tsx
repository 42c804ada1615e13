// The runs that there were, the newest first; two or more can be compared.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { explain } from "../../api/client";
import type { Run } from "../../api/v1";
import { Button, Card, Empty, Failure, Loading, Search, StateBadge } from "../../components/basics";
import { Table, type Column } from "../../components/table";
import { duration, full, num, value, when } from "../../lib/format";
import { go, href, route, setQuery } from "../../lib/router";
import { clean } from "../../lib/text";
import { epoch } from "../../state/live";
import { RunList, secondsOf, varying } from "../../state/runs";
import { allRows, tick } from "../../state/scripts";
import { RunPage } from "./run";

const mostCompared = 8;

export function RunsPage({ args }: { args: string[] }) {
  return args[0] ? <RunPage key={args[0]} id={args[0]} /> : <List />;
}

function List() {
  const { query } = route.value;
  const asked = { search: query.get("q") ?? "", script: query.get("script") ?? "", state: query.get("state") ?? "" };
  const list = useSignal<RunList | null>(null);
  const chosen = useSignal<readonly string[]>([]);
  const era = epoch.value;
  useEffect(() => {
    const made = new RunList(asked);
    list.value = made;
    void made.load();
    return () => made.close();
  }, [asked.search, asked.script, asked.state, era]);
  const found = list.value;
  const runs = found?.runs.value ?? [];
  return (
    <div class="page-body fill">
      <h1 class="sr">Runs</h1>
      <Card class="runs" title="Runs" actions={<Filters {...asked} />}>
        <Chosen ids={chosen} runs={runs} />
        {!found?.loaded.value ? (
          found?.error.value ? <Failure title="The runs could not be read" detail={explain(found.error.value)} onRetry={() => void found.load()} /> : <Loading rows={8} label="Reading the runs" />
        ) : (
          <Table
            label="Runs" columns={columns(runs, chosen)} rows={runs} keyOf={(r) => r.id}
            empty={
              asked.search || asked.script || asked.state ? (
                <Empty icon="search" title="No run fits" />
              ) : (
                <Empty icon="play" title="No runs yet">
                  Each start of a script is a run, and is kept with its parameters, changes, results and charts.
                </Empty>
              )
            }
          />
        )}
        {found?.more.value && (
          <footer class="card-foot">
            <Button busy={found.busy.value} onClick={() => void found.older()}>
              Older runs
            </Button>
          </footer>
        )}
      </Card>
    </div>
  );
}

function Filters({ search, script, state }: { search: string; script: string; state: string }) {
  void tick.value;
  const names = allRows().map((r) => r.script.name).sort();
  if (script && !names.includes(script)) names.unshift(script);
  return (
    <>
      <Search label="Search id, script, parameters, reason" value={search} onInput={(q) => setQuery({ q })} />
      <select class="select" aria-label="Script" value={script} onChange={(e) => setQuery({ script: e.currentTarget.value })}>
        <option value="">All scripts</option>
        {names.map((n) => (
          <option key={n}>{n}</option>
        ))}
      </select>
      <select class="select" aria-label="State" value={state} onChange={(e) => setQuery({ state: e.currentTarget.value })}>
        <option value="">Any state</option>
        {["running", "finished", "failed", "stopped", "lost"].map((s) => (
          <option key={s}>{s}</option>
        ))}
      </select>
    </>
  );
}

/** What is ticked, and the way to the comparison. */
function Chosen({ ids, runs }: { ids: { value: readonly string[] }; runs: readonly Run[] }) {
  const n = ids.value.length;
  if (n === 0) return null;
  const scripts = new Set(runs.filter((r) => ids.value.includes(r.id)).map((r) => r.script));
  return (
    <div class="chosen" role="status">
      <span>
        {n} chosen{scripts.size > 1 && ", of different scripts"}
      </span>
      <Button kind="primary" icon="chart" disabled={n < 2} title={n < 2 ? "Choose another one" : undefined} onClick={() => go(href("compare", [...ids.value]))}>
        Compare
      </Button>
      <Button kind="quiet" onClick={() => (ids.value = [])}>
        Clear
      </Button>
    </div>
  );
}

function columns(runs: readonly Run[], chosen: { value: readonly string[] }): Column<Run>[] {
  const telling = varying(runs);
  const toggle = (id: string) => {
    chosen.value = chosen.value.includes(id) ? chosen.value.filter((c) => c !== id) : [...chosen.value, id].slice(-mostCompared);
  };
  return [
    {
      id: "choose", title: "", label: "Choose", width: "1.6rem",
      cell: (r) => <input type="checkbox" class="check" aria-label={`Choose run ${r.id} of ${r.script}`} checked={chosen.value.includes(r.id)} onChange={() => toggle(r.id)} />,
    },
    {
      id: "run", title: "Run", width: "8.2rem",
      cell: (r) => (
        <>
          <a class="mono" href={href("runs", [r.id])}>
            {r.id}
          </a>
          <div class="why-below ellipsis">{r.script}</div>
        </>
      ),
    },
    { id: "script", title: "Script", width: "minmax(7rem, 1fr)", cell: (r) => <a href={href("script", [r.script])}>{r.script}</a> },
    { id: "state", title: "State", width: "7.6rem", cell: (r) => <StateBadge state={r.state} /> },
    { id: "started", title: "Started", width: "9.5rem", cell: (r) => <span title={full(r.started)}>{when(r.started)}</span> },
    { id: "took", title: "Took", width: "6rem", class: "num", cell: (r) => duration(secondsOf(r)) },
    { id: "parameters", title: "Parameters that differ", width: "minmax(9rem, 1.6fr)", cell: (r) => <Pairs of={r.parameters} names={telling.get(r.script) ?? []} /> },
    { id: "results", title: "Results", width: "minmax(9rem, 1.4fr)", cell: (r) => <Pairs of={r.results} names={Object.keys(r.results)} /> },
  ];
}

function Pairs({ of, names }: { of: Run["parameters"]; names: readonly string[] }) {
  const known = names.filter((n) => of[n] !== undefined);
  if (known.length === 0) return <span class="faint">–</span>;
  const text = (n: string) => clean(typeof of[n] === "number" ? num(of[n]) : value(of[n]));
  return (
    <span class="pairs" title={known.map((n) => `${n} = ${text(n)}`).join("\n")}>
      {known.slice(0, 4).map((n) => (
        <span key={n}>
          <span class="faint">{clean(n)}</span> {text(n)}
        </span>
      ))}
      {known.length > 4 && <span class="faint">+{known.length - 4}</span>}
    </span>
  );
}
