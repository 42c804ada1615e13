import { expect, test } from "vitest";
import type { Parameter } from "../api/v1";
import { nextPlace, placeOf, places, rangeOf, valueAt } from "./slider";

const parameter = (p: Partial<Parameter>) => ({ type: "float", min: 0, max: 1, step: null, scale: "linear", ...p }) as Parameter;

test("only ranges have sliders", () => {
  expect(rangeOf(parameter({ max: null }))).toBeNull();
  expect(rangeOf(parameter({ max: "Infinity" }))).toBeNull();
  expect(rangeOf(parameter({ type: "string" }))).toBeNull();
  expect(rangeOf(parameter({ min: 1, max: 1 }))).toBeNull();
  expect(rangeOf(parameter({ scale: "log" }))?.log).toBe(false); // 0 has no logarithm
});

test("a learning rate moves by its magnitude", () => {
  const r = rangeOf(parameter({ min: 1e-6, max: 1, scale: "log" }))!;
  expect(valueAt(placeOf(1e-3, r), r)).toBeCloseTo(1e-3, 12);
  expect(valueAt(places / 2, r)).toBe(0.001);
  expect(placeOf(5, r)).toBe(places);
  expect(placeOf(0, r)).toBe(0);
});

test("every place is a value that the step allows", () => {
  const r = rangeOf(parameter({ min: 0, max: 0.99, step: 0.01 }))!;
  for (let p = 0; p <= places; p++) expect(valueAt(p, r) * 100).toBeCloseTo(Math.round(valueAt(p, r) * 100), 9);
  const whole = rangeOf(parameter({ type: "int", min: 1, max: 7 }))!;
  for (let p = 0; p <= places; p++) expect(Number.isInteger(valueAt(p, whole))).toBe(true);
});

test("a key leads to another value, also where values are few", () => {
  const r = rangeOf(parameter({ type: "int", min: 0, max: 3 }))!;
  let place = 0;
  const seen = [];
  for (let i = 0; i < 4; i++) {
    seen.push(valueAt(place, r));
    place = nextPlace(place, 1, r);
  }
  expect(seen).toEqual([0, 1, 2, 3]);
  expect(valueAt(nextPlace(placeOf(2, r), -1, r), r)).toBe(1);
});
