// The parameters of a script as controls, with what became of each change.
import { useSignal } from "@preact/signals";
import type { Change, Parameter } from "../../api/v1";
import { explain } from "../../api/client";
import { Button, Card, Empty, Failure, IconButton, Loading, Search } from "../../components/basics";
import { Icon, type IconName } from "../../components/icon";
import { author, value } from "../../lib/format";
import type { Note, NoteKind, ParameterSet } from "../../state/parameters";
import { Control } from "./control";

const looks: Record<NoteKind, { icon: IconName; tone: string; word: string }> = {
  sending: { icon: "dots", tone: "wait", word: "" },
  pending: { icon: "clock", tone: "wait", word: "" },
  applied: { icon: "check", tone: "good", word: "" },
  needs_restart: { icon: "restart", tone: "calm", word: "" },
  rejected: { icon: "cross", tone: "bad", word: "rejected: " },
  overwritten: { icon: "alert", tone: "warn", word: "overwritten: " },
};

const mutability: Record<string, string> = {
  live: "", boundary: "changes at the next boundary, such as an epoch", restart: "takes effect in the next run", fixed: "fixed while a run lasts",
};

function NoteLine({ note, id }: { note: Note | undefined; id: string }) {
  const look = note && looks[note.kind];
  return (
    <p id={id} class={`note small ${look ? `tone-${look.tone}` : ""}`} role="status">
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

function One({ p, set, last }: { p: Parameter; set: ParameterSet; last: Change | undefined }) {
  const id = `parameter-${p.name}`;
  const note = set.notes.value.get(p.name);
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
}

export function ParametersPanel({ set, changes }: { set: ParameterSet; changes: readonly Change[] }) {
  const search = useSignal("");
  const list = set.list.value;
  const many = list.length > 12;
  const shown = list.filter((p) => p.name.toLowerCase().includes(search.value.toLowerCase()));
  const lastOf = (name: string) => changes.findLast((c) => c.name === name && c.status === "applied");
  return (
    <Card title="Parameters" class="parameters" actions={many ? <Search label="Find a parameter" value={search.value} onInput={(t) => (search.value = t)} /> : undefined}>
      {!set.loaded.value ? (
        set.error.value ? <Failure title="The parameters could not be read" detail={explain(set.error.value)} onRetry={() => void set.load()} /> : <Loading rows={5} />
      ) : list.length === 0 ? (
        <Empty title="No parameters">This script has told none, and none were found in it.</Empty>
      ) : (
        <ul>
          {shown.map((p) => (
            <One key={p.name} p={p} set={set} last={lastOf(p.name)} />
          ))}
        </ul>
      )}
    </Card>
  );
}
