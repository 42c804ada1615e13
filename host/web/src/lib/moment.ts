// A moment that a person types: 14:05, 14:05:30, 2026-11-23 14:05, or -10m.

const seconds: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400 };

/** Reads a moment in milliseconds; null where it is none. A time alone is the
 * last one before the latest moment that there is. */
export function parseMoment(text: string, latest: number): number | null {
  const wanted = text.trim();
  const back = /^-\s*(\d+(?:\.\d+)?)\s*([smhd])$/i.exec(wanted);
  if (back) return latest - Number(back[1]) * seconds[back[2]!.toLowerCase()]! * 1000;
  const time = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,3}))?)?$/.exec(wanted);
  if (!time) {
    const at = /^\d{4}-\d{2}-\d{2}/.test(wanted) ? Date.parse(wanted.length === 10 ? `${wanted}T00:00` : wanted.replace(" ", "T")) : NaN;
    return Number.isNaN(at) ? null : at;
  }
  const [h, m, s] = [Number(time[1]), Number(time[2]), Number(time[3] ?? 0)];
  if (h > 23 || m > 59 || s > 59) return null;
  const day = new Date(latest);
  day.setHours(h, m, s, Number((time[4] ?? "0").padEnd(3, "0")));
  if (day.getTime() > latest) day.setDate(day.getDate() - 1);
  return day.getTime();
}
