import assert from "node:assert/strict";
import { test } from "node:test";
import { until, withPage } from "./fixture.mjs";
import { Lab } from "./host.mjs";

const number = (text) => Number(/loss: ([\d,]+) samples/.exec(text ?? "")?.[1]?.replaceAll(",", ""));

const samples = (n) => n.toLocaleString("en-US");

/** How many samples the host has kept. */
async function count(lab, script, name) {
  const { series } = await lab.json("runs", "show", script);
  return series.find((s) => s.name === name).count;
}

test("the host is killed and started again under an open page: it reconnects and has no hole", async () => {
  const lab = new Lab();
  try {
    await lab.start();
    await withPage(lab, "#/script/trainer", { offline: true }, async (page) => {
      const drawing = page.locator(".chart", { has: page.locator(".chart-title", { hasText: /^loss$/ }) }).getByRole("img");
      const shown = async () => number(await drawing.getAttribute("aria-label"));
      await until("a chart that grows", async () => (await shown()) > 20);
      await lab.kill();
      await page.getByText("The host does not answer").waitFor();
      const before = await shown();
      await until("the title says so", async () => /^offline/.test(await page.title()));
      await lab.start();
      await page.getByText("The host does not answer").waitFor({ state: "detached" });
      await until("it grows on", async () => (await shown()) > before + 20);
      // Held still, the page shows as many samples as the host has kept.
      await page.getByRole("button", { name: "Pause", exact: true }).click();
      await page.getByRole("button", { name: "Resume", exact: true }).waitFor();
      await until("every sample is there", async () => (await count(lab, "trainer", "loss")) === (await shown()));
      const { samples } = await lab.json("runs", "show", "trainer", "--samples", "loss");
      const steps = new Set(samples.loss.map((s) => s[0]));
      assert.equal(steps.size, Math.max(...steps) + 1, "the host itself has lost a step");
    });
    // Who comes later sees the same: of what was taken up, and of what had ended before.
    await withPage(lab, "#/script/trainer", {}, async (page) => {
      await page.getByRole("img", { name: new RegExp(`Chart of loss\\. loss: ${samples(await count(lab, "trainer", "loss"))} samples`) }).waitFor();
      await page.evaluate(() => (location.hash = "#/script/evaluate"));
      await page.getByRole("img", { name: /accuracy: 40 samples from 0\.5 to 0\.9333/ }).waitFor();
    });
  } finally {
    await lab.close();
  }
});
