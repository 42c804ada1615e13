// Every page by keyboard alone, without motion, and on the largest screens.
import assert from "node:assert/strict";
import { test } from "node:test";
import { theLab, withPage } from "./fixture.mjs";
import { pages, show } from "./pages.mjs";

/** What has the focus: its name, whether it shows it, and whether it was there before. */
function focused() {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const again = e.dataset.walked === "yes";
  e.dataset.walked = "yes";
  const labels = [...(e.labels ?? [])].map((l) => l.textContent).join(" ");
  const name = (e.getAttribute("aria-label") || labels || e.textContent || e.getAttribute("title") || "").trim();
  const { outlineStyle, boxShadow } = getComputedStyle(e);
  const seen = outlineStyle !== "none" || boxShadow !== "none" || e.matches('input[type="range"], main, .node');
  return { again, name: name.slice(0, 60), seen, html: e.outerHTML.slice(0, 120) };
}

test("Tab comes to everything on every page, each thing has a name and shows the focus, and nothing holds it", async () => {
  const lab = await theLab();
  await withPage(lab, "#/", {}, async (page) => {
    for (const p of pages) {
      await show(page, lab, p);
      await page.evaluate(() => {
        for (const e of document.querySelectorAll("[data-walked]")) delete e.dataset.walked;
        document.querySelector(".skip").focus(); // the first of all
      });
      const walked = [];
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press("Tab");
        const at = await page.evaluate(focused);
        if (!at || at.again) break;
        walked.push(at);
      }
      assert.ok(walked.length > 5, `${p.name}: ${walked.length} places`);
      assert.deepEqual(walked.filter((w) => !w.name).map((w) => w.html), [], `${p.name}: things without a name`);
      assert.deepEqual(walked.filter((w) => !w.seen).map((w) => w.html), [], `${p.name}: focus that is not seen`);
      assert.equal(new Set(walked.map((w) => w.html)).size > 5, true, `${p.name}: the focus goes on`);
    }
  });
});

test("a question is answered by keyboard, and gives the focus back", async () => {
  const lab = await theLab();
  await withPage(lab, "#/script/trainer", {}, async (page) => {
    const stop = page.getByRole("button", { name: "Stop", exact: true }).first();
    await stop.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    assert.ok(await page.evaluate(() => document.querySelector("dialog").contains(document.activeElement)));
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.waitForFunction(() => document.activeElement?.textContent === "Stop");
  });
});

test("who wants no motion gets none, and the largest screens are used", async () => {
  const lab = await theLab();
  await withPage(lab, "#/", { context: { reducedMotion: "reduce", viewport: { width: 3840, height: 2160 } } }, async (page) => {
    for (const p of pages) {
      await show(page, lab, p);
      const found = await page.evaluate(() => ({
        moving: document.getAnimations().filter((a) => Number(a.effect.getComputedTiming().duration) > 1).length,
        wide: document.querySelector(".page-body")?.getBoundingClientRect().width ?? 0,
        beyond: document.documentElement.scrollWidth - innerWidth,
      }));
      assert.equal(found.moving, 0, `${p.name} moves`);
      assert.ok(found.wide > 3700, `${p.name} is ${found.wide} pixels wide`);
      assert.ok(found.beyond <= 0, `${p.name} goes beyond the screen`);
    }
  });
});
