// The parameters of one script while a page shows them. What the script has
// acknowledged is the truth; what was asked for stands beside it as a note
// until the answer is there.
import { signal } from "@preact/signals";
import { ApiError, api, explain } from "../api/client";
import type { Event, ObservedData, Outcome, OwnerData, Parameter, ParametersData, Set as SetRequest, Value } from "../api/v1";
import { author, num, value } from "../lib/format";
import { onScriptEvents } from "./live";

export type NoteKind = "sending" | "pending" | "applied" | "needs_restart" | "rejected" | "overwritten" | "released";

/** What became of the last change of a parameter. */
export interface Note {
  kind: NoteKind;
  text: string;
  at: number;
  /** Whether it answers what was asked here: that is told aloud, and what
   * others do all the time is not. */
  own: boolean;
  /** Of what was overwritten: the step at which that was seen. */
  step?: number | null;
}

export class ParameterSet {
  readonly list = signal<readonly Parameter[]>([]);
  readonly notes = signal<ReadonlyMap<string, Note>>(new Map());
  readonly loaded = signal(false);
  readonly error = signal<unknown>(null);
  private readonly leave: () => void;
  private since: Event[] | null = null; // what comes while the list is read

  constructor(readonly script: string) {
    this.leave = onScriptEvents(script, (events) =>
      events.forEach((e) => {
        this.since?.push(e);
        this.apply(e);
      }),
    );
  }

  close(): void {
    this.leave();
  }

  async load(): Promise<void> {
    const mine: Event[] = (this.since = []);
    try {
      const { parameters } = await api.parameters(this.script);
      if (this.since !== mine) return; // it is read anew
      this.list.value = parameters;
      const told = this.notes.peek();
      for (const event of mine) this.apply(event); // the answer may be older
      this.notes.value = told;
      this.loaded.value = true;
      this.error.value = null;
    } catch (err) {
      if (this.since === mine) this.error.value = err;
    }
    if (this.since === mine) this.since = null;
  }

  /** Asks for a value. Resolves to whether it was taken. */
  async set(name: string, to: { value: Value } | { text: string }, take = false): Promise<boolean> {
    this.note(name, "sending", "sent, waiting for the script");
    const body: SetRequest = "text" in to ? { texts: { [name]: to.text } } : { values: { [name]: to.value } };
    if (take) body.take = true;
    try {
      const answer = await api.set(this.script, body);
      for (const o of answer.outcomes) this.take(o);
      return true;
    } catch (err) {
      const own = err instanceof ApiError ? err.rejected?.outcomes.find((o) => o.name === name) : undefined;
      this.note(name, "rejected", own?.reason || explain(err));
      return false;
    }
  }

  /** Gives a parameter back to nobody. */
  async release(name: string): Promise<void> {
    try {
      await api.release(this.script, name);
    } catch (err) {
      this.note(name, "rejected", explain(err));
    }
  }

  private take(o: Outcome): void {
    const status = o.status as NoteKind;
    // What became of it since may have come already.
    const come = this.notes.peek().get(o.name)?.kind;
    if (come === "overwritten" || (status === "pending" && come === "applied")) return;
    if (status === "applied" || status === "released") this.change(o.name, { value: o.value });
    if (status === "needs_restart") this.change(o.name, { next: o.value });
    this.note(o.name, status, textOf(status, o.value, o.step, o.reason));
  }

  private apply(event: Event): void {
    const data = event.data as unknown;
    if (event.kind === "parameters") {
      const d = data as ParametersData;
      for (const c of d.changes) {
        const before = this.notes.peek().get(c.name);
        // What became of the change may have come before the change.
        if (before?.kind === "overwritten" && c.status === "applied" && (before.step ?? -1) >= (c.step ?? Infinity)) continue;
        if (c.status === "applied" || c.status === "released") this.change(c.name, { value: c.new });
        if (c.status === "needs_restart") this.change(c.name, { next: c.new });
        const own = before?.own === true && (before.kind === "sending" || before.kind === "pending");
        this.note(c.name, c.status as NoteKind, textOf(c.status as NoteKind, c.new, c.step, "", d.author), own);
      }
    } else if (event.kind === "observed") {
      const d = data as ObservedData;
      this.change(d.name, { value: d.value });
      const waits = this.notes.peek().get(d.name);
      // What was pending is seen in use: it has come to where it waited for.
      if (!d.overwritten && (waits?.kind === "pending" || waits?.kind === "sending")) this.note(d.name, "applied", textOf("applied", d.value, d.step, ""), waits.own);
      if (d.overwritten) this.note(d.name, "overwritten", `the script put ${value(d.value)} in its place${at(d.step)}`, false, d.step);
    } else if (event.kind === "owner") {
      const d = data as OwnerData;
      this.change(d.name, { owner: d.owner });
    } else if (event.kind === "described" || event.kind === "run") {
      void this.load();
    }
  }

  private change(name: string, part: Partial<Parameter>): void {
    this.list.value = this.list.peek().map((p) => {
      if (p.name !== name || p.sensitive) return p;
      const { next, ...rest } = { ...p, ...part };
      // A value for the next run is done with when it is the one in use.
      return next === undefined || JSON.stringify(next) === JSON.stringify(rest.value) ? rest : { ...rest, next };
    });
  }

  private note(name: string, kind: NoteKind, text: string, own = true, step: number | null = null): void {
    this.notes.value = new Map(this.notes.peek()).set(name, { kind, text, at: Date.now(), own, step });
  }
}

function at(step: number | null): string {
  return step === null ? "" : ` at step ${num(step)}`;
}

function textOf(kind: NoteKind, v: Value, step: number | null, reason: string, who = ""): string {
  const by = who ? ` by ${author(who)}` : "";
  const why = reason ? ` (${reason})` : "";
  switch (kind) {
    case "applied":
      return `applied${at(step)}${by}${why}`;
    case "pending":
      return `pending: ${value(v)}${reason ? `, ${reason}` : " from the next boundary"}${by}`;
    case "needs_restart":
      return `${value(v)} from the next run${by}${why}`;
    case "released":
      return `given back to the script, which uses ${value(v)}${by}${why}`;
    default:
      return reason;
  }
}
