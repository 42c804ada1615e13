// The history behind the sparkline of a row: read once for rows that were in
// sight, a few at a time, so that a thousand scripts are not a thousand
// requests.
import { api } from "../api/client";
import { toNumber } from "../lib/format";
import { epoch } from "./live";
import { keyVariable } from "./overview";
import { tick, type Row } from "./scripts";

const atOnce = 4;
const known = new Map<string, string>(); // script → what was read: run, epoch and variable
const queue: Row[] = [];
let busy = 0;

/** Says that a row is in sight. */
export function wantKey(row: Row): void {
  const { name, run } = row.script;
  const key = keyVariable(row);
  const stamp = `${run} ${epoch.peek()} ${key?.name ?? ""}`;
  if (!run || !key || known.get(name) === stamp) return;
  known.set(name, stamp);
  queue.push(row);
  void work();
}

async function work(): Promise<void> {
  if (busy >= atOnce) return;
  const row = queue.pop(); // what came into sight last is most likely still there
  if (!row) return;
  busy++;
  try {
    await read(row);
  } catch {
    // The row then shows what comes live.
  } finally {
    busy--;
    void work();
  }
}

async function read(row: Row): Promise<void> {
  const { run } = row.script;
  const key = keyVariable(row);
  if (!key) return;
  const chart = await api.chart(run, key.name, 48);
  if (row.script.run !== run) return;
  key.spark.replace(chart.buckets.map((b) => toNumber(b.mean) ?? NaN));
  tick.value++;
}
