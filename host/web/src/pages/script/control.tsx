// One parameter's control. While a person changes it, what comes from the host
// is shown beside it and never over it.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Parameter, Value } from "../../api/v1";
import { Button, Switch } from "../../components/basics";
import { num, plain, toNumber, value as show } from "../../lib/format";
import { nextPlace, placeOf, places, rangeOf, valueAt, type Range } from "../../lib/slider";

export interface ControlProps {
  p: Parameter;
  id: string;
  disabled: boolean;
  /** What describes it: its doc and its note. */
  describedBy: string;
  invalid: boolean;
  onSet: (to: { value: Value } | { text: string }) => Promise<boolean>;
}

export function Control(props: ControlProps) {
  const { p, id, disabled, onSet } = props;
  if (p.choices.length > 0) return <Choice {...props} />;
  if (p.type === "bool") return <Switch id={id} checked={p.value === true} label={p.name} disabled={disabled} onChange={(on) => void onSet({ value: on })} />;
  const range = rangeOf(p);
  return range ? <Slider {...props} range={range} /> : <Typed {...props} />;
}

function Choice({ p, id, disabled, describedBy, onSet }: ControlProps) {
  const now = JSON.stringify(p.value);
  const known = p.choices.some((c) => JSON.stringify(c) === now);
  return (
    <select
      id={id} class="select" value={now} disabled={disabled} aria-describedby={describedBy}
      onChange={async (e) => {
        const box = e.currentTarget;
        const taken = await onSet({ value: JSON.parse(box.value) as Value });
        if (!taken) box.value = JSON.stringify(p.value);
      }}
    >
      {!known && <option value={now}>{show(p.value)}</option>}
      {p.choices.map((c) => (
        <option key={JSON.stringify(c)} value={JSON.stringify(c)}>
          {show(c)}
        </option>
      ))}
    </select>
  );
}

const settle = 150; // milliseconds after the last key press

function Slider(props: ControlProps & { range: Range }) {
  const { p, id, disabled, range, onSet } = props;
  const now = toNumber(p.value) ?? range.min;
  const held = useSignal<number | null>(null); // the place while it is moved
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const place = held.value ?? placeOf(now, range);
  const shown = held.value === null ? now : valueAt(held.value, range);
  const send = async (at: number) => {
    clearTimeout(timer.current);
    const v = valueAt(at, range);
    if (v !== now) await onSet({ value: v });
    held.value = null;
  };
  const onKey = (e: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 50, PageDown: -50 }[e.key];
    const end = { Home: 0, End: places }[e.key];
    if (by === undefined && end === undefined) return;
    e.preventDefault();
    const to = end ?? nextPlace(place, by!, range);
    held.value = to;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => void send(to), settle);
  };
  return (
    <div class="slider">
      <input
        type="range" min={0} max={places} step={1} value={place} disabled={disabled} aria-label={p.name} aria-valuetext={`${num(shown, 6)} ${p.unit}`.trim()} aria-describedby={props.describedBy}
        style={{ "--part": `${place / 10}%` }}
        onInput={(e) => (held.value = e.currentTarget.valueAsNumber)} onChange={(e) => void send(e.currentTarget.valueAsNumber)} onKeyDown={onKey}
      />
      <Typed {...props} id={id} preview={held.value === null ? null : shown} />
      <span class="ends small faint" aria-hidden="true">
        <span>{num(range.min)}</span>
        {range.log && <span>log</span>}
        <span>{num(range.max)}</span>
      </span>
    </div>
  );
}

/** A field for text. Enter sends, Escape forgets; until then it is the
 * person's, whatever the host says meanwhile. */
function Typed({ p, id, disabled, describedBy, invalid, onSet, preview = null }: ControlProps & { preview?: number | null }) {
  const draft = useSignal<string | null>(null);
  const busy = useSignal(false);
  const now = textOf(p.value);
  const send = async () => {
    if (draft.value === null || draft.value === now) {
      draft.value = null;
      return;
    }
    busy.value = true;
    const taken = await onSet({ text: draft.value });
    busy.value = false;
    if (taken) draft.value = null;
  };
  const own = draft.value !== null && draft.value !== now;
  return (
    <form
      class="typed"
      onSubmit={(e) => {
        e.preventDefault();
        void send();
      }}
    >
      <span class="field">
        <input
          id={id} class="input mono" disabled={disabled} aria-describedby={describedBy} aria-invalid={invalid && own} autocomplete="off" spellcheck={false}
          inputMode={p.type === "int" || p.type === "float" ? "decimal" : undefined} value={draft.value ?? (preview === null ? now : plain(preview))}
          onInput={(e) => (draft.value = e.currentTarget.value)}
          onKeyDown={(e) => e.key === "Escape" && (draft.value = null)}
          onBlur={() => !own && (draft.value = null)}
        />
        {p.unit && <span class="unit small muted">{p.unit}</span>}
      </span>
      {own && (
        <span class="draft">
          <Button type="submit" kind="primary" busy={busy.value}>
            Set
          </Button>
          <Button kind="quiet" onClick={() => (draft.value = null)}>
            Discard
          </Button>
          <span class="small muted">in use: {show(p.value)}</span>
        </span>
      )}
    </form>
  );
}

function textOf(v: Value): string {
  if (v === null) return "";
  if (typeof v === "string") return v;
  if (typeof v === "number") return plain(v);
  return JSON.stringify(v);
}
