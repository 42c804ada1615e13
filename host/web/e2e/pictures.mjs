// Takes a picture of every page, light and dark, into docs/pictures, and the
// one of the README: a slider moves, and the curve bends.
import { mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { after, test } from "node:test";
import { launch } from "./browser.mjs";
import { Lab } from "./host.mjs";
import { pages, show } from "./pages.mjs";

const out = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../../docs/pictures");
const only = process.argv.slice(2);
mkdirSync(out, { recursive: true });

const lab = new Lab();
lab.env.PATH = "/usr/bin:/bin"; // the paths in the pictures are those of any Debian
const browser = await launch();
after(async () => {
  await browser.close();
  await lab.close();
});

async function open(colorScheme, size) {
  const context = await browser.newContext({ viewport: size, colorScheme, locale: "en-GB", timezoneId: "UTC", reducedMotion: "reduce" });
  const page = await context.newPage();
  await page.goto(await lab.link());
  await page.waitForSelector("[data-index]");
  return page;
}

/** Waits until the trainer has come to a step. */
async function step(page, n) {
  await page.waitForFunction((n) => Number(document.querySelector(".fact dd")?.textContent?.split(" ")[0]?.replaceAll(",", "")) >= n, n, { timeout: 120_000 });
}

test("pictures", { timeout: 300_000 }, async () => {
  await lab.start();
  await lab.mlhost("set", "trainer", "learning_rate=0.6", "pace=0.005");
  for (const scheme of ["light", "dark"]) {
    const page = await open(scheme, { width: 1280, height: 800 });
    if (scheme === "light") {
      await page.evaluate(() => (location.hash = "#/script/trainer"));
      await step(page, 900);
      const slider = page.locator('[data-parameter="learning_rate"]').getByRole("slider");
      await slider.focus();
      for (let i = 0; i < 6; i++) await page.keyboard.press("PageDown");
      await page.locator('[data-parameter="learning_rate"]').getByText(/applied at step/).waitFor();
      await step(page, 1800);
      await page.screenshot({ path: path.join(out, "moment.png") });
      await lab.mlhost("set", "trainer", "batch_size=256");
    }
    for (const p of pages) {
      if (only.length > 0 && !only.includes(p.name)) continue;
      await show(page, lab, p);
      if (await page.locator(".chart").count()) await page.locator(".chart canvas").first().waitFor();
      await page.waitForTimeout(700); // what was asked for last is drawn
      await page.screenshot({ path: path.join(out, `${p.name}-${scheme}.png`) });
    }
    await page.context().close();
  }
  const narrow = await open("light", { width: 360, height: 740 });
  await narrow.screenshot({ path: path.join(out, "scripts-narrow.png") });
  await narrow.context().close();
});
