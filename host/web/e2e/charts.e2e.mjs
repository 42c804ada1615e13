// The charts of a script's page, read as a person does: by cursor and by words.
import assert from "node:assert/strict";
import { test } from "node:test";
import { chart, samplesOf, theKnobs, until, withPage } from "./fixture.mjs";

const reading = (page, name) => chart(page, name).locator(".chart-reading");
const picture = (page, name) => chart(page, name).locator("canvas").evaluate((c) => c.toDataURL());

/** The count that the host has kept of a script that stands still. */
async function kept(lab, name) {
  const { series } = await lab.json("runs", "show", "knobs");
  return series.find((s) => s.name === name)?.count ?? 0;
}

test("charts that are opened late have their history, and one cursor; axes, logarithm and smoothing do what they say", async () => {
  const lab = await theKnobs();
  await until("a course", async () => (await kept(lab, "signal")) > 80);
  await lab.mlhost("pause", "knobs");
  try {
    await withPage(lab, "#/script/knobs", {}, async (page) => {
      const count = await kept(lab, "signal");
      await until("all of it is shown", async () => (await samplesOf(page, "signal")) === count);
      await chart(page, "signal").getByRole("button", { name: "Show signal as a table" }).click();
      assert.equal(await chart(page, "signal").locator("tbody td").first().textContent(), "1");
      await chart(page, "signal").getByRole("button", { name: "Show signal as a chart" }).click();
      await chart(page, "signal").locator("canvas").waitFor();

      // The keyboard goes from value to value, and all charts tell theirs.
      const keys = chart(page, "other/b").getByRole("application");
      const goTo = (key, wanted) =>
        until(`${wanted} after ${key}`, async () => {
          await chart(page, "other/b").scrollIntoViewIfNeeded();
          await chart(page, "other/b").locator("canvas").waitFor();
          await keys.focus();
          await page.keyboard.press(key);
          return wanted.test(await reading(page, "other/b").textContent());
        });
      await goTo("Home", /^−1 @ 1(?!\d)/);
      await until("the other chart's too", async () => /^1 @ 1(?!\d)/.test(await reading(page, "other/a").textContent()));
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("Shift+ArrowRight");
      for (const told of [reading(page, "other/b"), chart(page, "other/b").locator("[role=status]")]) assert.match(await told.textContent(), /^−12 @ 12(?!\d)/);
      const whole = await picture(page, "other/a");
      await page.keyboard.press("+");
      await until("both are nearer", async () => (await picture(page, "other/a")) !== whole);
      await page.keyboard.press("0");
      await until("all of it again", async () => /@ 12/.test(await reading(page, "other/b").textContent()));

      await page.getByRole("button", { name: "Time", exact: true }).click();
      await goTo("Home", /@ \d\d:\d\d:\d\d/);
      await page.getByRole("button", { name: "Step", exact: true }).click();

      // What is not above zero has no place on a logarithmic axis.
      await page.getByRole("button", { name: "Log", exact: true }).click();
      await page.waitForFunction(() => location.hash.includes("y=log"));
      await goTo("End", /^– @/);
      await page.getByRole("button", { name: "Linear", exact: true }).click();

      const smooth = page.getByRole("switch", { name: "Smooth the lines" });
      assert.equal(await smooth.getAttribute("aria-checked"), "false");
      await chart(page, "signal").scrollIntoViewIfNeeded();
      await chart(page, "signal").locator("canvas").waitFor();
      const plain = await picture(page, "signal");
      await smooth.click();
      await page.getByText("smoothed by").waitFor();
      await until("a smoothed line", async () => (await chart(page, "signal").locator("canvas").count()) > 0 && (await picture(page, "signal")) !== plain);
    });
  } finally {
    await lab.mlhost("resume", "knobs");
  }
});

test("a chart that is pinned stands first, and stands for its script in the table", async () => {
  const lab = await theKnobs();
  await withPage(lab, "#/script/knobs", {}, async (page) => {
    await chart(page, "other/b").hover(); // its buttons come then, and with the focus
    await page.getByRole("button", { name: /^Pin other\/b/ }).click();
    await until("it is first", async () => (await page.locator(".chart-title").first().textContent()) === "other/b");
    await page.getByRole("link", { name: "Scripts", exact: true }).first().click();
    await page.locator("[data-index] .key-name", { hasText: "other/b" }).waitFor();
    await page.reload();
    await page.locator("[data-index] .key-name", { hasText: "other/b" }).waitFor();
  });
});
