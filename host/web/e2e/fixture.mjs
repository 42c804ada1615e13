// What the tests share: one host, one browser, and pages that are logged in.
// A page that reports an error, or breaks its own policy, fails its test.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { launch } from "./browser.mjs";
import { Lab } from "./host.mjs";
import { Wire } from "./wire.mjs";

let browser;
let lab;
let spare;
let knobs;

// Where nothing of it is in memory yet, Chromium is read for seconds: that is no test's time.
before(theBrowser);

after(async () => {
  await browser?.close();
  for (const host of [lab, spare, knobs]) await host?.close();
});

/** The browser, started once. */
export async function theBrowser() {
  browser ??= await launch();
  return browser;
}

/** The host with the scripts of lab/, started once. */
export async function theLab() {
  if (!lab) {
    lab = new Lab();
    await lab.start();
  }
  return lab;
}

/** Another one, for tests that add scripts and start them. */
export async function theSpareLab() {
  if (!spare) {
    spare = new Lab();
    await spare.start();
  }
  return spare;
}

/** The host of knobs/, whose script answers each change in another way. */
export async function theKnobs() {
  if (!knobs) {
    knobs = new Lab(path.join(path.dirname(fileURLToPath(import.meta.url)), "knobs"));
    await knobs.start();
  }
  return knobs;
}

/** A wire to a host, which whoever asks for it closes. */
export const theWire = (host) => new Wire(host).open();

/** A parameter's control, a chart, and what the chart is told to be. */
export const control = (page, name) => page.locator(`[data-parameter="${name}"]`);
export const chart = (page, name) => page.locator(".chart", { has: page.locator(".chart-title", { hasText: new RegExp(`^${name}$`) }) });
export async function samplesOf(page, name) {
  const told = await chart(page, name).getByRole("img").getAttribute("aria-label");
  return Number(/: ([\d,]+) samples/.exec(told ?? "")?.[1]?.replaceAll(",", "") ?? NaN);
}

/** Logs a new page in, and calls back with it. */
export async function withPage(host, hash, options, use) {
  const context = await (await theBrowser()).newContext({ viewport: { width: 1440, height: 900 }, locale: "en-US", ...options.context });
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (e) => problems.push(`thrown: ${e.message}`));
  page.on("dialog", (d) => {
    problems.push(`a dialog opened: ${d.message()}`);
    void d.dismiss();
  });
  page.on("console", (m) => {
    if (m.type() === "error" && !(options.offline && /ERR_|Failed to load resource/.test(m.text()))) problems.push(`console: ${m.text()}`);
  });
  if (options.before) await page.addInitScript(options.before);
  try {
    await page.goto(await host.link());
    await page.waitForSelector(".shell");
    if (hash !== "#/") await page.evaluate((h) => (location.hash = h), hash);
    await use(page, context);
    assert.deepEqual(problems.filter((p) => !options.allow?.test(p)), []);
  } catch (err) {
    if (process.env.E2E_SHOTS) await page.screenshot({ path: `${process.env.E2E_SHOTS}/failed-${Date.now()}.png` });
    throw err;
  } finally {
    await context.close();
  }
}

/** Waits until a function of this side gives something true. */
export async function until(what, probe, limit = 30_000) {
  const end = Date.now() + limit;
  for (;;) {
    const got = await probe();
    if (got) return got;
    if (Date.now() > end) assert.fail(`never came: ${what}`);
    await new Promise((r) => setTimeout(r, 100));
  }
}

/** The value of a parameter, as the host knows it. */
export async function parameterOf(host, script, name) {
  const { parameters } = await host.json("get", script);
  return parameters.find((p) => p.name === name)?.value;
}
