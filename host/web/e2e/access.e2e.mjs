// axe on every page, light and dark, wide and narrow; and the locale that
// breaks uPlot.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { launch } from "./browser.mjs";
import { theLab, withPage } from "./fixture.mjs";
import { pages, show } from "./pages.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

async function check(page, where) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const serious = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  assert.deepEqual(serious.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).slice(0, 3).join(" | ")}`), [], where);
}

for (const [name, context] of [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark", reducedMotion: "reduce" }],
  ["360 pixels", { colorScheme: "light", viewport: { width: 360, height: 740 } }],
]) {
  test(`axe finds nothing serious on any page: ${name}`, async () => {
    const lab = await theLab();
    await withPage(lab, "#/", { context }, async (page) => {
      for (const p of pages) {
        await show(page, lab, p);
        await check(page, `${p.name}, ${name}`);
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(beyond <= 0, `${p.name} is ${beyond} pixels wider than ${name}`);
      }
      await page.evaluate(() => (location.hash = "#/script/trainer"));
      await page.getByRole("button", { name: "Stop", exact: true }).click();
      await page.getByRole("dialog").waitFor();
      await check(page, "a dialog");
    });
  });
}

test("who is not logged in sees how to be", async () => {
  const lab = await theLab();
  const context = await (await launch()).newContext();
  const page = await context.newPage();
  await page.goto(lab.base);
  await page.getByText("mlhost ui").waitFor();
  await check(page, "the gate");
  await context.browser().close();
});

test("a browser of the locale en-US@posix shows charts", async () => {
  const lab = await theLab();
  const posix = () => {
    for (const [key, value] of [["language", "en-US@posix"], ["languages", ["en-US@posix"]]]) Object.defineProperty(Navigator.prototype, key, { get: () => value, configurable: true });
  };
  await withPage(lab, "#/script/trainer", { before: posix, context: { locale: undefined } }, async (page) => {
    await page.locator(".chart canvas").first().waitFor();
    assert.equal(await page.evaluate(() => Object.getOwnPropertyDescriptor(Navigator.prototype, "language").get()), "en-US@posix");
  });
});
