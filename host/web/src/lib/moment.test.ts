import { expect, test } from "vitest";
import { parseMoment } from "./moment";

const at = (text: string) => new Date(text).getTime();
const latest = at("2026-11-24T09:30:00");

test("a moment is a time of the last day, a day and a time, or so long ago", () => {
  expect(parseMoment("09:05", latest)).toBe(at("2026-11-24T09:05:00"));
  expect(parseMoment(" 9:30:00 ", latest)).toBe(latest);
  expect(parseMoment("09:05:07.25", latest)).toBe(at("2026-11-24T09:05:07.250"));
  expect(parseMoment("23:59", latest)).toBe(at("2026-11-23T23:59:00"));
  expect(parseMoment("2026-11-20 10:00", latest)).toBe(at("2026-11-20T10:00:00"));
  expect(parseMoment("2026-11-20", latest)).toBe(at("2026-11-20T00:00:00"));
  expect(parseMoment("-10m", latest)).toBe(latest - 600_000);
  expect(parseMoment("-1.5 h", latest)).toBe(latest - 5_400_000);
  for (const none of ["", "now", "25:00", "12:60", "7", "2026-13-99", "10m"]) expect(parseMoment(none, latest)).toBe(null);
});
