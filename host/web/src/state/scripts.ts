// Every script as it is now. Rows change in place and one signal tells that
// some did, a few times a second: a thousand scripts cost no more than ten.
import { batch, effect, signal } from "@preact/signals";
import { api } from "../api/client";
import type { Event, Host, Progress, RunData, SamplesData, Script, StateData, StepData } from "../api/v1";
import { toNumber } from "../lib/format";
import { connection, epoch, onEvents } from "./live";
import { session } from "../api/session";
import { Spark } from "./spark";

/** The latest of a variable, with its recent course where it is a number. */
export interface Latest {
  name: string;
  value: number;
  step: number | null;
  spark: Spark;
}

export interface Row {
  script: Script;
  /** Numeric variables, in the order in which they were first seen. */
  variables: Map<string, Latest>;
  /** When the state last changed, as far as this page has seen. */
  since: number | null;
  /** Steps per second as this page has seen them; the script may know better. */
  stepRate: number | null;
  lastStep: { step: number; at: number } | null;
}

const rows = new Map<string, Row>();

/** Changes when any row did. Read it, then rows. */
export const tick = signal(0);
export const host = signal<Host | null>(null);
export const loaded = signal(false);
export const loadError = signal<unknown>(null);

export function allRows(): Row[] {
  return [...rows.values()];
}

export function row(name: string): Row | undefined {
  return rows.get(name);
}

const frame = 200; // milliseconds between two looks at what changed
let due: ReturnType<typeof setTimeout> | undefined;

function changed(): void {
  due ??= setTimeout(() => {
    due = undefined;
    tick.value++;
  }, frame);
}

function put(script: Script): Row {
  const old = rows.get(script.name);
  if (old) {
    if (old.script.run !== script.run) reset(old);
    old.script = script;
    return old;
  }
  const made: Row = { script, variables: new Map(), since: null, stepRate: null, lastStep: null };
  rows.set(script.name, made);
  return made;
}

function reset(row: Row): void {
  row.variables = new Map();
  row.stepRate = null;
  row.lastStep = null;
}

let since: Event[] | null = null; // what comes while all are read
let covered = 0; // the last event that is in what was read; after a gap older ones come again

/** Reads all scripts anew. */
export async function loadScripts(signal?: AbortSignal): Promise<void> {
  const mine: Event[] = (since = []);
  try {
    const [all, about] = await Promise.all([api.overview(signal), api.host(signal)]);
    const names = new Set(all.scripts.map((s) => s.name));
    for (const name of rows.keys()) if (!names.has(name)) rows.delete(name);
    if (since !== mine) return; // they are read anew
    for (const { variables, ...script } of all.scripts) {
      const row = put(script);
      for (const v of variables) {
        const value = toNumber(v.value);
        if (value !== null && v.type !== "bool" && !row.variables.has(v.name)) track(row, v.name, value, v.step);
      }
    }
    covered = all.event;
    for (const event of mine) if (event.id > covered) apply(event);
    batch(() => {
      host.value = about;
      loaded.value = true;
      loadError.value = null;
      tick.value++;
    });
  } catch (err) {
    if (!signal?.aborted) loadError.value = err;
  } finally {
    if (since === mine) since = null;
  }
}

/** Applies one event to its row. */
export function apply(event: Event): void {
  const row = rows.get(event.script);
  if (!row) {
    if (event.script && (event.kind === "state" || event.kind === "run")) void discover(event.script);
    return;
  }
  const data = event.data as unknown;
  switch (event.kind) {
    case "state":
      applyState(row, event, data as StateData);
      break;
    case "run":
      reset(row);
      row.script = { ...row.script, run: event.run, started: event.time, step: null, progress: null, restarts: row.script.restarts + ((data as RunData).attempt > 0 ? 1 : 0) };
      break;
    case "step":
      stepped(row, (data as StepData).step, Date.parse(event.time));
      break;
    case "progress":
      row.script = { ...row.script, progress: data as Progress };
      break;
    case "samples":
      for (const s of (data as SamplesData).samples) {
        const value = toNumber(s.value);
        if (value !== null && s.type !== "bool") track(row, s.name, value, s.step);
        if (s.step !== null) stepped(row, s.step, Date.parse(s.time));
      }
      break;
    default:
      return;
  }
  changed();
}

function applyState(row: Row, event: Event, data: StateData): void {
  row.since = Date.parse(event.time);
  row.script = { ...row.script, state: data.state, reason: data.reason, pid: data.pid, plugin_pid: data.plugin_pid, run: event.run || row.script.run };
}

/** Keeps a number that a variable took. */
export function track(row: Row, name: string, value: number, step: number | null): void {
  let latest = row.variables.get(name);
  if (!latest) {
    latest = { name, value, step, spark: new Spark(64) };
    row.variables.set(name, latest);
  }
  latest.value = value;
  latest.step = step;
  latest.spark.push(value);
}

function stepped(row: Row, step: number, at: number): void {
  const script = row.script;
  if (script.step === null || step > script.step) row.script = { ...script, step };
  const last = row.lastStep;
  if (!last || step < last.step) {
    row.lastStep = { step, at };
  } else if (at - last.at >= 1000) {
    row.stepRate = ((step - last.step) * 1000) / (at - last.at);
    row.lastStep = { step, at };
  }
}

const asked = new Set<string>();

/** A script that this page did not know: a new one in the configuration. */
async function discover(name: string): Promise<void> {
  if (asked.has(name)) return;
  asked.add(name);
  try {
    put(await api.script(name));
    changed();
  } catch {
    // It may be gone again; the next event asks once more.
  } finally {
    asked.delete(name);
  }
}

/** Begins to follow the host's scripts. */
export function startScripts(): void {
  onEvents((events) => {
    for (const event of events) {
      since?.push(event);
      if (event.id > covered) apply(event);
    }
  });
  effect(() => {
    // The first epoch begins when the stream is open: what is read then, and
    // what comes by it, leave no hole between them.
    if (session.value !== "in" || (epoch.value === 0 && connection.value.state !== "waiting")) return;
    const abort = new AbortController();
    void loadScripts(abort.signal);
    return () => abort.abort();
  });
  // What could not be read is read when the host is there again.
  effect(() => {
    if (connection.value.state === "live" && loadError.peek()) void loadScripts();
  });
}
