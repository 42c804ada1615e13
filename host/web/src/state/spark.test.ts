import { expect, test } from "vitest";
import { Spark } from "./spark";

test("it spans everything in a bounded number of points", () => {
  const spark = new Spark(16);
  for (let i = 0; i < 10_000; i++) spark.push(i);
  expect(spark.points.length).toBeLessThan(16);
  expect(spark.points[0]).toBe(0);
  expect(spark.points.at(-1)).toBe(9999);
  expect([...spark.points].sort((a, b) => a - b)).toEqual([...spark.points]);
});

test("a course that was read replaces the old one", () => {
  const spark = new Spark(16);
  spark.push(4);
  spark.replace([1, 2, 3]);
  spark.push(9);
  expect(spark.points).toEqual([1, 2, 3, 9]);
});
