// The parameters of a script as controls, with what became of each change.
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Change, Parameter } from "../../api/v1";
import { explain } from "../../api/client";
import { Button, Card, Empty, Failure, IconButton, Loading, Search } from "../../components/basics";
import { Fold } from "../../components/fold";
import { Icon, type IconName } from "../../components/icon";
import { author, value } from "../../lib/format";
import { groupsOf, openAtFirst, type Group } from "../../lib/groups";
import { memo } from "../../lib/memo";
import type { Note, NoteKind, ParameterSet } from "../../state/parameters";
import { Control } from "./control";

const looks: Record<NoteKind, { icon: IconName; tone: string; word: string }> = {
  sending: { icon: "dots", tone: "wait", word: "" },
  pending: { icon: "clock", tone: "wait", word: "" },
  applied: { icon: "check", tone: "good", word: "" },
  needs_restart: { icon: "restart", tone: "calm", word: "" },
  rejected: { icon: "cross", tone: "bad", word: "rejected: " },
  released: { icon: "undo", tone: "calm", word: "" },
  overwritten: { icon: "alert", tone: "warn", word: "overwritten: " },
};

const mutability: Record<string, string> = {
  live: "", boundary: "changes at the next boundary, such as an epoch", restart: "takes effect in the next run", fixed: "fixed while a run lasts",
};

function NoteLine({ note, id }: { note: Note | undefined; id: string }) {
  const look = note && looks[note.kind];
  return (
    <p id={id} class={`note small ${look ? `tone-${look.tone}` : ""}`} role="status" aria-live={note?.own ? "polite" : "off"}>
      {note && look && (
        <>
          <Icon name={look.icon} size={12} />
          <span>
            {look.word}
            {note.text}
          </span>
        </>
      )}
    </p>
  );
}

/** Who moves a parameter, and how to take it over from a route. */
function Owner({ p, set }: { p: Parameter; set: ParameterSet }) {
  if (!p.owner) return null;
  const route = p.owner.startsWith("route:");
  return (
    <div class="owner small">
      <span class="tag">
        {route ? "moved by " : "held by "}
        {author(p.owner)}
      </span>
      {route ? (
        <Button kind="quiet" icon="hand" onClick={() => void set.set(p.name, { value: p.value }, true)}>
          Take over
        </Button>
      ) : (
        <Button kind="quiet" onClick={() => void set.release(p.name)}>
          Release
        </Button>
      )}
    </div>
  );
}

const One = memo(({ p, set, last, note }: { p: Parameter; set: ParameterSet; last: Change | undefined; note: Note | undefined }) => {
  const id = `parameter-${p.name}`;
  const route = p.owner.startsWith("route:");
  const about = [mutability[p.mutability] ?? "", p.confidence !== "sure" ? `found by reading the script (${p.confidence})` : "", p.deprecated ? `deprecated: ${p.deprecated}` : ""].filter(Boolean);
  const origin = p.origin.file ? `${p.origin.file}:${p.origin.line}` : "";
  const canRevert = last && last.status === "applied" && p.mutability !== "fixed" && !route && JSON.stringify(last.new) === JSON.stringify(p.value) && last.old !== null;
  return (
    <li class="parameter" data-parameter={p.name}>
      <div class="parameter-head">
        <label class="parameter-name ellipsis" for={id} title={[p.name, origin].filter(Boolean).join("\n")}>
          {p.name}
        </label>
        {p.sensitive && <span class="tag">hidden</span>}
        {p.mutability !== "live" && <span class="tag">{p.mutability}</span>}
        {canRevert && <IconButton icon="undo" label={`Back to ${value(last.old)}`} onClick={() => void set.set(p.name, { value: last.old })} />}
      </div>
      <Control p={p} id={id} disabled={p.mutability === "fixed" || route} invalid={note?.kind === "rejected"} describedBy={`${id}-doc ${id}-note`} onSet={(to) => set.set(p.name, to)} />
      <p id={`${id}-doc`} class="doc small muted">
        {[p.doc, ...about].filter(Boolean).join(" · ")}
      </p>
      <Owner p={p} set={set} />
      {p.next !== undefined && note?.kind !== "needs_restart" && <p class="small muted">next: {value(p.next)}</p>}
      <NoteLine note={note} id={`${id}-note`} />
    </li>
  );
});

/** Where a word of a search is looked for. */
function textOf(p: Parameter): string {
  return `${p.name} ${p.doc} ${p.owner}`.toLowerCase();
}

const many = 12; // parameters, from which on they are grouped and can be searched
const most = 24; // parameters in the groups that are open at first

export function ParametersPanel({ set, changes }: { set: ParameterSet; changes: readonly Change[] }) {
  const search = useSignal("");
  const chosen = useSignal<ReadonlyMap<string, boolean>>(new Map());
  const list = set.list.value;
  const notes = set.notes.value;
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fitting = list.filter((p) => words.every((w) => textOf(p).includes(w)));
  const byName = new Map(list.map((p) => [p.name, p]));
  const groups = groupsOf(fitting.map((p) => p.name), many);
  const open = openAtFirst(groups, most);
  const last = useMemo(() => new Map(changes.filter((c) => c.status === "applied").map((c) => [c.name, c])), [changes]);
  const isOpen = (g: Group) => chosen.value.get(g.title) ?? (words.length > 0 || open.has(g.title));
  const some = (names: readonly string[]) => (
    <ul>
      {names.map((name) => {
        const p = byName.get(name);
        return p && <One key={name} p={p} set={set} last={last.get(name)} note={notes.get(name)} />;
      })}
    </ul>
  );
  return (
    <Card
      title={list.length > many ? `Parameters (${words.length > 0 ? `${fitting.length} of ` : ""}${list.length})` : "Parameters"} label="Parameters" class="parameters"
      actions={list.length > many ? <Search label="Find a parameter" value={search.value} onInput={(t) => (search.value = t)} /> : undefined}
    >
      {!set.loaded.value ? (
        set.error.value ? <Failure title="The parameters could not be read" detail={explain(set.error.value)} onRetry={() => void set.load()} /> : <Loading rows={5} label="Reading the parameters" />
      ) : list.length === 0 ? (
        <Empty title="No parameters">This script has told none, and none were found in it.</Empty>
      ) : fitting.length === 0 ? (
        <Empty icon="search" title="No parameter fits" />
      ) : (
        groups.map((g) =>
          g.title === "" ? (
            <div key="">{some(g.names)}</div>
          ) : (
            <Fold key={`in ${g.title}`} title={g.title} count={g.names.length} open={isOpen(g)} onToggle={() => (chosen.value = new Map(chosen.peek()).set(g.title, !isOpen(g)))}>
              {some(g.names)}
            </Fold>
          ),
        )
      )}
    </Card>
  );
}
