import { expect, test } from "vitest";
import { guardLocale, usableLocale } from "./locale";

test("a language that Intl refuses is mended", () => {
  expect(() => new Intl.NumberFormat("en-US@posix")).toThrow(RangeError);
  expect(usableLocale(["en-US@posix"])).toBe("en-US");
  expect(usableLocale(["de_DE.UTF-8"])).toBe("de-DE");
  expect(usableLocale(["", "!!", "fr"])).toBe("fr");
  expect(usableLocale([])).toBe("en-US");
});

test("navigator.language is safe afterwards", () => {
  const nav = { language: "en-US@posix", languages: ["en-US@posix"] } as unknown as Navigator;
  expect(guardLocale(nav)).toBe("en-US");
  expect(() => new Intl.NumberFormat(nav.language)).not.toThrow();
  const fine = { language: "sv-SE", languages: ["sv-SE"] } as unknown as Navigator;
  expect(guardLocale(fine)).toBe("sv-SE");
});

test("uPlot loads", async () => {
  Object.defineProperty(navigator, "language", { get: () => "en-US@posix", configurable: true });
  guardLocale();
  window.matchMedia ??= (() => ({ addEventListener() {}, removeEventListener() {} })) as never;
  await expect(import("uplot")).resolves.toHaveProperty("default");
});
