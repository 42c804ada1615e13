// The overview: how many scripts do what, and all of them, worst first.
import { useComputed, useSignal } from "@preact/signals";
import { explain } from "../api/client";
import { Card, Empty, Failure, IconButton, Loading, Search, StateBadge } from "../components/basics";
import { HealthStrip } from "../components/health";
import { Sparkline } from "../components/sparkline";
import { Table, type Column } from "../components/table";
import { now } from "../lib/clock";
import { duration, full, num, rate } from "../lib/format";
import { href, route, setQuery } from "../lib/router";
import { act, actionsFor } from "../state/actions";
import { health } from "../state/health";
import { wantKey } from "../state/keys";
import { choose, keyVariable, leftOf, rateOf, type SortKey } from "../state/overview";
import { allRows, loaded, loadError, loadScripts, tick, type Row } from "../state/scripts";
import { groups, lookOf, type GroupID } from "../state/states";

const columns: Column<Row>[] = [
  { id: "name", title: "Script", width: "minmax(9rem, 1.3fr)", sortable: true, cell: (r) => <NameCell row={r} /> },
  { id: "worst", title: "State", width: "7.6rem", sortable: true, cell: (r) => <StateBadge state={r.script.state} /> },
  { id: "why", title: "Why", width: "minmax(7rem, 1.6fr)", cell: (r) => <Why row={r} /> },
  { id: "step", title: "Step", width: "7.5rem", sortable: true, class: "num", cell: (r) => <StepCell row={r} /> },
  { id: "rate", title: "Rate", width: "6rem", sortable: true, class: "num", cell: (r) => rate(rateOf(r)) },
  { id: "eta", title: "Left", width: "6rem", sortable: true, class: "num", cell: (r) => duration(leftOf(r)) },
  { id: "value", title: "Key variable", width: "minmax(19rem, 1.5fr)", class: "apart", sortable: true, cell: (r) => <KeyCell row={r} /> },
  { id: "restarts", title: "Restarts", width: "5.4rem", sortable: true, class: "num", cell: (r) => (r.script.restarts ? num(r.script.restarts) : <span class="faint">0</span>) },
  { id: "age", title: "Age", width: "6rem", sortable: true, class: "num", cell: (r) => <Age started={r.script.started} /> },
  { id: "actions", title: "", label: "Actions", width: "4.4rem", cell: (r) => <RowActions row={r} /> },
];

function NameCell({ row }: { row: Row }) {
  const { name, reason } = row.script;
  return (
    <>
      <a href={href("script", [name])}>{name}</a>
      {reason && <div class="why-below ellipsis">{reason}</div>}
    </>
  );
}

function Why({ row }: { row: Row }) {
  const tone = lookOf(row.script.state).tone;
  return (
    <span class={`why ${tone === "bad" || tone === "warn" ? `tone-${tone}-text` : ""}`} title={row.script.reason}>
      {row.script.reason}
    </span>
  );
}

function StepCell({ row }: { row: Row }) {
  const p = row.script.progress;
  const part = p?.total ? Math.min(1, Math.max(0, p.done / p.total)) : null;
  const title = p?.total ? `${num(p.done)} of ${num(p.total)}` : undefined;
  return (
    <div title={title}>
      {num(row.script.step)}
      {part !== null && (
        <div class="meter" aria-hidden="true">
          <span style={{ width: `${part * 100}%` }} />
        </div>
      )}
    </div>
  );
}

function KeyCell({ row }: { row: Row }) {
  const key = keyVariable(row);
  wantKey(row);
  if (!key) return <span class="faint">–</span>;
  return (
    <div class="key" title={`${key.name} = ${num(key.value, 8)}${key.step === null ? "" : ` at step ${key.step}`}`}>
      <span class="key-name ellipsis">{key.name}</span>
      <Sparkline points={key.spark.points} />
      <span class={`key-value ${Number.isFinite(key.value) ? "" : "bad-value"}`}>{num(key.value)}</span>
    </div>
  );
}

function Age({ started }: { started: string | null }) {
  if (!started) return <span>–</span>;
  return <span title={full(started)}>{duration((now.value - Date.parse(started)) / 1000)}</span>;
}

function RowActions({ row }: { row: Row }) {
  const actions = actionsFor(row.script.state);
  return (
    <div class="row-actions">
      {[actions[0], actions.length > 1 ? actions.at(-1) : undefined].map(
        (a) => a && <IconButton key={a.verb} icon={a.icon} label={`${a.label} ${row.script.name}`} onClick={() => void act(row.script.name, a.verb)} />,
      )}
    </div>
  );
}

export function ScriptsPage() {
  const search = useSignal(route.peek().query.get("q") ?? "");
  const sort = useSignal<{ by: SortKey; descending: boolean }>({ by: "worst", descending: false });
  const group = useComputed(() => {
    const asked = route.value.query.get("group");
    return groups.find((g) => g.id === asked)?.id ?? ("" as GroupID | "");
  });
  void tick.value;
  const all = allRows();
  const rows = choose(all, { search: search.value, group: group.value, sort: sort.value.by, descending: sort.value.descending });
  const onSort = (by: string) => {
    const same = sort.value.by === by;
    sort.value = { by: by as SortKey, descending: same ? !sort.value.descending : by !== "name" && by !== "worst" };
  };
  return (
    <div class="page-body fill">
      <h1 class="sr">Scripts</h1>
      <HealthStrip counts={health()} chosen={group.value} onChoose={(g) => setQuery({ group: g })} />
      <Card
        class="scripts" title={rows.length === all.length ? `Scripts (${num(all.length)})` : `Scripts (${num(rows.length)} of ${num(all.length)})`}
        actions={
          <Search
            label="Search name, state, reason" value={search.value}
            onInput={(text) => {
              search.value = text;
              setQuery({ q: text });
            }}
          />
        }
      >
        {!loaded.value ? (
          loadError.value ? (
            <Failure title="The scripts could not be read" detail={explain(loadError.value)} onRetry={() => void loadScripts()} />
          ) : (
            <Loading rows={8} label="Reading the scripts" />
          )
        ) : (
          <Table
            label="Scripts" columns={columns} rows={rows} keyOf={(r) => r.script.name} sorting={sort.value} onSort={onSort}
            empty={
              all.length === 0 ? (
                <Empty icon="play" title="No scripts yet">
                  Name one in the configuration, or run one: <code>mlhost run train.py</code>
                </Empty>
              ) : (
                <Empty icon="search" title="No script fits" />
              )
            }
          />
        )}
      </Card>
    </div>
  );
}
