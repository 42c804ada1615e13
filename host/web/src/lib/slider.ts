// Where a value stands on a slider, and which value a place stands for.
import type { Parameter } from "../api/v1";
import { toNumber } from "./format";

export const places = 1000;

export interface Range {
  min: number;
  max: number;
  /** The values are min, min+step, …; 0: any. */
  step: number;
  log: boolean;
  whole: boolean;
}

/** The range of a parameter that a slider can show; null: it has none. */
export function rangeOf(p: Parameter): Range | null {
  if (p.type !== "int" && p.type !== "float") return null;
  const min = toNumber(p.min);
  const max = toNumber(p.max);
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max) || min >= max) return null;
  const step = toNumber(p.step) ?? 0;
  return { min, max, step: step > 0 ? step : p.type === "int" ? 1 : 0, log: p.scale === "log" && min > 0, whole: p.type === "int" };
}

/** The place of a value, from 0 to places. */
export function placeOf(value: number, r: Range): number {
  const v = Math.min(r.max, Math.max(r.min, value));
  const part = r.log ? Math.log(v / r.min) / Math.log(r.max / r.min) : (v - r.min) / (r.max - r.min);
  return Math.round(part * places);
}

/** The value of a place: one that the parameter takes, in few digits. */
export function valueAt(place: number, r: Range): number {
  if (place <= 0) return r.min;
  if (place >= places) return r.max;
  const part = place / places;
  let v = r.log ? r.min * (r.max / r.min) ** part : r.min + (r.max - r.min) * part;
  if (r.step > 0) v = r.min + Math.round((v - r.min) / r.step) * r.step;
  else v = Number(v.toPrecision(3));
  v = Number(v.toPrecision(12));
  if (r.whole) v = Math.round(v);
  return Math.min(r.max, Math.max(r.min, v));
}

/** The place that one key press leads to: another value, always. */
export function nextPlace(place: number, by: number, r: Range): number {
  const from = valueAt(place, r);
  for (let p = place + by; p > 0 && p < places; p += Math.sign(by)) if (valueAt(p, r) !== from) return p;
  return by > 0 ? places : 0;
}
