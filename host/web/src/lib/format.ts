// How numbers, times and values are written. Everything is short, and of one
// width where it stands in columns.
import type { Value } from "../api/v1";
import { locale } from "./locale";

const none = "–";
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });

/** Reads a number of the API: NaN and infinities come as strings. */
export function toNumber(v: Value | undefined): number | null {
  if (typeof v === "number") return v;
  if (typeof v === "boolean") return v ? 1 : 0;
  if (v === "NaN") return NaN;
  if (v === "Infinity") return Infinity;
  if (v === "-Infinity") return -Infinity;
  return null;
}

/** Writes a number with four significant digits, in the shortest way. */
export function num(n: number | null | undefined, digits = 4): string {
  if (n === null || n === undefined) return none;
  if (Number.isNaN(n)) return "NaN";
  if (!Number.isFinite(n)) return n > 0 ? "∞" : "−∞";
  if (Number.isInteger(n) && Math.abs(n) < 1e7) return whole.format(n).replace("-", "−");
  const size = Math.abs(n);
  const text =
    size !== 0 && (size < 1e-3 || size >= 1e7)
      ? n.toExponential(digits - 1).replace(/\.?0+e/, "e").replace("e+", "e")
      : String(Number(n.toPrecision(digits)));
  return text.replaceAll("-", "−");
}

/** Writes a number so that it can be read back: for inputs. */
export function plain(n: number): string {
  return Number.isFinite(n) ? String(Number(n.toPrecision(12))) : String(n);
}

/** Writes any value on one line. */
export function value(v: Value | undefined): string {
  if (v === null || v === undefined) return none;
  if (typeof v === "number") return num(v, 6);
  if (typeof v === "string") return v;
  return JSON.stringify(v);
}

/** Writes a duration in its two largest units. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return none;
  const s = Math.max(0, seconds);
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} m ${pad(Math.floor(s % 60))} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${pad(Math.floor((s % 3600) / 60))} m`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

function pad(n: number): string {
  return String(n).padStart(2, "0");
}

/** Writes a rate per second, or per minute and hour where that is readable. */
export function rate(perSecond: number | null | undefined): string {
  if (perSecond === null || perSecond === undefined || !Number.isFinite(perSecond)) return none;
  if (perSecond >= 100) return `${whole.format(perSecond)}/s`;
  if (perSecond >= 0.1 || perSecond === 0) return `${num(perSecond, 3)}/s`;
  if (perSecond * 60 >= 0.1) return `${num(perSecond * 60, 3)}/min`;
  return `${num(perSecond * 3600, 3)}/h`;
}

const clockFormat = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const dayFormat = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric" });
const fullFormat = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });

/** Writes the time of day, with milliseconds where they are wanted. */
export function clock(time: string | number | null | undefined, millis = false): string {
  const date = parse(time);
  if (!date) return none;
  const text = clockFormat.format(date);
  return millis ? `${text}.${String(date.getMilliseconds()).padStart(3, "0")}` : text;
}

/** Writes a time of today as such, and an older one with its day. */
export function when(time: string | number | null | undefined, now = Date.now()): string {
  const date = parse(time);
  if (!date) return none;
  const today = new Date(now).toDateString() === date.toDateString();
  return today ? clockFormat.format(date) : `${dayFormat.format(date)} ${clockFormat.format(date)}`;
}

/** Writes a time in full, for titles. */
export function full(time: string | number | null | undefined): string {
  const date = parse(time);
  return date ? fullFormat.format(date) : none;
}

/** Writes how long ago a time was. */
export function ago(time: string | number | null | undefined, now = Date.now()): string {
  const date = parse(time);
  if (!date) return none;
  const seconds = (now - date.getTime()) / 1000;
  return seconds < 5 ? "now" : `${duration(seconds)} ago`;
}

function parse(time: string | number | null | undefined): Date | null {
  if (time === null || time === undefined || time === "") return null;
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** Writes a number of bytes. */
export function bytes(n: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let i = 0;
  for (; n >= 1000 && i < units.length - 1; i++) n /= 1000;
  return `${num(n, 3)} ${units[i]}`;
}

/** Writes who did something: "user:ada" is ada, "route:plateau" stays. */
export function author(name: string): string {
  return name.startsWith("user:") ? name.slice(5) : name.replace(":", " ");
}
