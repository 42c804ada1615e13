// axe on every page, light and dark, wide and narrow; and the locale that
// breaks uPlot.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { theBrowser, theLab, until, withPage } from "./fixture.mjs";
import { pages, show } from "./pages.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

async function check(page, where) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const serious = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  assert.deepEqual(serious.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).slice(0, 3).join(" | ")}`), [], where);
}

/** What a screen reader is told of a page. */
async function heard(page, session) {
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  const told = nodes.filter((n) => !n.ignored).map((n) => ({ role: n.role?.value, name: n.name?.value ?? "" }));
  const of = (...roles) => told.filter((n) => roles.includes(n.role));
  const nameless = of("button", "link", "textbox", "searchbox", "slider", "switch", "checkbox", "combobox", "table", "columnheader", "rowheader", "figure", "image", "application", "region", "navigation", "progressbar", "log", "dialog").filter((n) => !n.name.trim());
  const regions = of("region").map((n) => n.name);
  return { nameless: nameless.map((n) => n.role), twice: regions.filter((n, i) => regions.indexOf(n) < i), main: of("main").length, headings: of("heading").length, charts: of("image").map((n) => n.name) };
}

/** Notes each text that a live region tells aloud. */
function listen() {
  globalThis.spoken = [];
  const live = (e) => e?.closest('[role="status"], [role="alert"], [aria-live="polite"], [aria-live="assertive"]');
  new MutationObserver((changes) => {
    for (const region of new Set(changes.map((c) => live(c.target instanceof Element ? c.target : c.target.parentElement)))) {
      if (region && region.getAttribute("aria-live") !== "off" && region.textContent.trim()) globalThis.spoken.push(region.textContent);
    }
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}

test("who hears the pages is told the name of everything once, charts in words, and no numbers that change all the time", async () => {
  const lab = await theLab();
  await withPage(lab, "#/", {}, async (page, context) => {
    const session = await context.newCDPSession(page);
    await page.evaluate(listen);
    for (const p of pages) {
      await show(page, lab, p);
      const { nameless, twice, main, headings, charts } = await heard(page, session);
      assert.deepEqual(nameless, [], `${p.name}: without a name`);
      assert.deepEqual(twice, [], `${p.name}: regions that are called the same`);
      assert.equal(main, 1, p.name);
      assert.ok(headings > 0, `${p.name}: no heading`);
      if (p.name === "script") await until("a chart in words", async () => (await heard(page, session)).charts.some((c) => /^Chart of loss\. loss: [\d,]+ samples from .+ to .+, the last .+/.test(c)));
      else if (charts.length > 0) assert.ok(charts.every((c) => c.startsWith("Chart of ")), `${p.name}: ${charts}`);
    }
    // The trainer goes on under each of them.
    await page.evaluate(() => (location.hash = "#/script/trainer"));
    const told = async () => Number(/: ([\d,]+) samples/.exec(await page.getByRole("img", { name: /^Chart of loss/ }).getAttribute("aria-label"))?.[1]?.replaceAll(",", "") ?? 0);
    const before = await told();
    await until("a hundred steps", async () => (await told()) > before + 100);
    const spoken = (await page.evaluate(() => globalThis.spoken)).filter((s) => !/failed|stalled|finished|running|ready|starting|Reading/.test(s));
    assert.ok(spoken.length < 5, `told aloud: ${spoken.join(" | ")}`);
  });
});

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
  const context = await (await theBrowser()).newContext();
  const page = await context.newPage();
  await page.goto(lab.base);
  await page.getByText("mlhost ui").waitFor();
  await check(page, "the gate");
  await context.close();
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
