// Which variables a person has pinned, for each script, in this browser. They
// stand first among the charts, and the first stands for the script in the
// table.
import { signal } from "@preact/signals";

const prefix = "mlhost-pins:";
const known = new Map<string, readonly string[]>();

/** Grows with every change of what is pinned. */
export const pinned = signal(0);

export function pinsOf(script: string): readonly string[] {
  let pins = known.get(script);
  if (!pins) known.set(script, (pins = read(script)));
  return pins;
}

function read(script: string): readonly string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(prefix + script) ?? "[]");
    return Array.isArray(kept) ? kept.filter((n) => typeof n === "string") : [];
  } catch {
    return []; // not ours, or not allowed here
  }
}

export function togglePin(script: string, name: string): void {
  const old = pinsOf(script);
  const pins = old.includes(name) ? old.filter((n) => n !== name) : [...old, name];
  known.set(script, pins);
  try {
    if (pins.length > 0) localStorage.setItem(prefix + script, JSON.stringify(pins));
    else localStorage.removeItem(prefix + script);
  } catch {
    // it then holds until the page is left
  }
  pinned.value++;
}
