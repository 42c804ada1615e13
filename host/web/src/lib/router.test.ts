import { expect, test } from "vitest";
import { href, parseRoute } from "./router";

test("a link leads to what it was made of, whatever the name", () => {
  for (const name of ["trainer", "a/b", "<img src=x onerror=alert(1)>", "#?&=%", "ü‮x", "..", "100%"]) {
    const r = parseRoute(href("script", [name], { tab: "logs", q: "a&b=c?#" }));
    expect(r.page).toBe("script");
    expect(r.args).toEqual([name]);
    expect(r.query.get("tab")).toBe("logs");
    expect(r.query.get("q")).toBe("a&b=c?#");
  }
});

test("fragments of any kind", () => {
  expect(parseRoute("").page).toBe("");
  expect(parseRoute("#/").page).toBe("");
  expect(parseRoute("#/script/%E0%A4%A").args).toEqual(["%E0%A4%A"]);
  expect(href("runs", [], { a: undefined, b: "" })).toBe("#/runs");
});
