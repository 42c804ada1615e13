import { expect, test } from "vitest";
import * as f from "./format";

test("numbers", () => {
  expect(f.num(0)).toBe("0");
  expect(f.num(0.1 + 0.2)).toBe("0.3");
  expect(f.num(0.00001234)).toBe("1.234e−5");
  expect(f.num(-1e-9)).toBe("−1e−9");
  expect(f.num(123456)).toBe("123,456");
  expect(f.num(NaN)).toBe("NaN");
  expect(f.num(-Infinity)).toBe("−∞");
  expect(f.num(null)).toBe("–");
  expect(f.plain(1e-7)).toBe("1e-7");
});

test("numbers of the API", () => {
  expect(f.toNumber("NaN")).toBeNaN();
  expect(f.toNumber("-Infinity")).toBe(-Infinity);
  expect(f.toNumber(true)).toBe(1);
  expect(f.toNumber("1")).toBeNull();
  expect(f.toNumber([1])).toBeNull();
});

test("durations and rates", () => {
  expect(f.duration(3.21)).toBe("3.2 s");
  expect(f.duration(75)).toBe("1 m 15 s");
  expect(f.duration(3 * 3600 + 60)).toBe("3 h 01 m");
  expect(f.duration(200000)).toBe("2 d 7 h");
  expect(f.duration(NaN)).toBe("–");
  expect(f.rate(1234.5)).toBe("1,235/s");
  expect(f.rate(0.05)).toBe("3/min");
  expect(f.rate(0.0005)).toBe("1.8/h");
});

test("values and authors", () => {
  expect(f.value({ a: [1, null] })).toBe('{"a":[1,null]}');
  expect(f.value("<b>")).toBe("<b>");
  expect(f.author("user:ada")).toBe("ada");
  expect(f.author("route:plateau")).toBe("route plateau");
});

test("times that are none", () => {
  expect(f.clock("never")).toBe("–");
  expect(f.when(null)).toBe("–");
  expect(f.bytes(1536000)).toBe("1.54 MB");
});
