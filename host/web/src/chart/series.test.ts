import { expect, test } from "vitest";
import type { Bucket } from "../api/v1";
import { Series, smooth } from "./series";

const at = (s: number) => new Date(s * 1000).toISOString();

function bucket(from: number, to: number, min: number, max: number, more: Partial<Bucket> = {}): Bucket {
  return {
    first_step: from, last_step: to, first_time: at(from), last_time: at(to), count: to - from + 1,
    nan: 0, inf: 0, neg_inf: 0, min, max, mean: (min + max) / 2, first: min, last: max, ...more,
  };
}

test("a million samples stay a bounded number of points, and keep their peaks", () => {
  const s = new Series("loss");
  for (let i = 0; i < 1_000_000; i++) s.push(i, i / 10, i === 777_777 ? 1e6 : Math.sin(i / 1000));
  const { xs, ys } = s.columns("step");
  expect(xs.length).toBeLessThan(5000);
  expect(xs.length).toBeGreaterThan(2000);
  expect(Math.max(...ys.map((y) => y ?? 0))).toBe(1e6);
  expect([...xs].sort((a, b) => a - b)).toEqual(xs);
  expect(s.count).toBe(1_000_000);
  expect(s.latest?.step).toBe(999_999);
});

test("what comes while the course is read is neither lost nor doubled", () => {
  const s = new Series("loss");
  s.expect();
  s.push(9, 9, 1); // is in the answer too
  s.push(10, 10, 2);
  s.load([bucket(0, 9, 0, 1)]);
  expect(s.columns("step").xs.at(-1)).toBe(10);
  expect(s.count).toBe(11);
  s.push(11, 11, 3);
  expect(s.count).toBe(12);
});

test("what comes again after a gap, older than what was read, is not counted twice", () => {
  const s = new Series("loss");
  s.load([bucket(0, 9, 0, 1)]);
  for (const i of [7, 8, 9, 10]) s.push(i, i, 2);
  expect(s.count).toBe(11);
  s.push(11, 10, 2); // within the same millisecond
  s.push(3, 12, 2); // trained again from an older state
  expect(s.count).toBe(13);
});

test("what nobody looks at is not kept until it is read", () => {
  const s = new Series("loss");
  s.rest();
  for (let i = 0; i < 10; i++) s.push(i, i, 1);
  expect(s.pieces.length).toBe(0);
  s.expect();
  s.load([bucket(0, 9, 0, 1)]);
  s.push(10, 10, 1);
  expect(s.count).toBe(11);
});

test("what is no number is a hole with a mark", () => {
  const s = new Series("loss");
  for (const [i, v] of [1, NaN, 3, -Infinity, 5].entries()) s.push(i, i, v);
  const { ys, marks } = s.columns("step");
  expect(ys).toEqual([1, null, 3, null, 5]);
  expect(marks).toEqual([{ x: 1, kind: "NaN" }, { x: 3, kind: "∞" }]);
  const whole = new Series("loss");
  whole.load([bucket(0, 9, NaN, NaN, { nan: 10, min: "NaN", max: "NaN", first: "NaN", last: "NaN" })]);
  expect(whole.columns("time").marks.length).toBe(1);
  expect(whole.columns("time").ys).toEqual([null]);
});

test("steps that go back are drawn in order; without steps there is the time", () => {
  const s = new Series("loss");
  for (const step of [0, 1, 2, 1, 2, 3]) s.push(step, 100 + s.count, step);
  expect(s.columns("step").xs).toEqual([0, 1, 1, 2, 2, 3]);
  const t = new Series("loss");
  t.push(null, 5, 1);
  expect([s.timed.value, t.timed.value]).toEqual([false, true]);
  expect(t.columns("time").xs).toEqual([5]);
});

test("smoothing forgives its start and keeps holes", () => {
  expect(smooth([4, 4, null, 4], 0.9)).toEqual([4, 4, null, 4].map((v) => (v === null ? null : expect.closeTo(v, 10))));
  expect(smooth([0, 10], 0.5)[1]).toBeCloseTo(6.667, 2);
});
