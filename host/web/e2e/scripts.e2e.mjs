import assert from "node:assert/strict";
import { test } from "node:test";
import { theLab, until, withPage } from "./fixture.mjs";

test("the table: worst first, with the reason; title and icon follow", async () => {
  const lab = await theLab();
  await withPage(lab, "#/", {}, async (page) => {
    const row = (name) => page.locator("[data-index]", { has: page.getByRole("link", { name, exact: true }) });
    await row("broken").getByText("failed").waitFor();
    // It stalls twice where its first line is late.
    await until("a stalled feeder, and why", async () => /stalled.*no step and no output for 2s/.test(await row("feeder").textContent()));
    await row("evaluate").getByText("finished").waitFor();
    assert.match(await row("broken").textContent(), /exit code 1/);
    const names = await page.locator("[data-index] .col-name a").allTextContents();
    assert.deepEqual(names.slice(0, 2), ["broken", "feeder"]);
    assert.equal(names.at(-1), "deploy");
    await row("trainer").locator(".spark path").waitFor();
    assert.match(await page.title(), /^1 failed, 1 stalled · lab1/);
    assert.match(await page.locator('link[rel="icon"]').getAttribute("href"), /bad/);

    await page.getByRole("button", { name: /Failed/ }).click();
    assert.deepEqual(await page.locator("[data-index] .col-name a").allTextContents(), ["broken"]);
    await page.getByRole("button", { name: /Failed/ }).click();
    await page.getByRole("searchbox").fill("CODE 1");
    assert.deepEqual(await page.locator("[data-index] .col-name a").allTextContents(), ["broken"]);
    await page.getByRole("searchbox").fill("");
    await page.locator("[data-index]").nth(3).waitFor();

    await page.getByRole("link", { name: "broken", exact: true }).focus();
    await page.keyboard.press("ArrowDown");
    await page.waitForFunction(() => document.activeElement?.textContent === "feeder");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "feeder" }).waitFor();
  });
});

test("to stop asks, and no means no; to pause and resume does not ask", async () => {
  const lab = await theLab();
  const stateOf = async (name) => (await lab.json("ps")).scripts.find((s) => s.name === name).state;
  await withPage(lab, "#/script/sampler", {}, async (page) => {
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await page.getByRole("dialog").getByText("This ends its run").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal(await stateOf("sampler"), "running");
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    await page.getByRole("button", { name: "Resume", exact: true }).click();
    await page.locator(".page-head").getByText("running").waitFor();
    assert.equal(await stateOf("sampler"), "running");
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Stop" }).click();
    await page.locator(".page-head").getByText("stopped", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await until("sampler runs", async () => (await stateOf("sampler")) === "running");
  });
});

test("a link is good once, and other tabs of the browser are let in", async () => {
  const lab = await theLab();
  await withPage(lab, "#/", { allow: /403|Failed to load/ }, async (page, context) => {
    assert.equal(await page.evaluate(() => location.hash), "#/");
    const second = await context.newPage();
    await second.goto(`${lab.base}/#/script/trainer?tab=results`);
    await second.getByRole("heading", { level: 1, name: "trainer" }).waitFor();
    await page.close();
    await second.close();
    const stranger = await (await context.browser().newContext()).newPage();
    await stranger.goto(`${lab.base}/#code=USED`);
    await stranger.getByText("this link was followed already").waitFor();
    await stranger.context().close();
  });
});
