// A script with far more parameters and series than a screen has room for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { chart, control, parameterOf, theKnobs, until, withPage } from "./fixture.mjs";

test("200 parameters are found by words and set; of 300 charts those in sight are read and drawn", async (t) => {
  const lab = await theKnobs();
  await lab.mlhost("start", "wide");
  try {
    await withPage(lab, "#/", {}, async (page) => {
      const read = new Set();
      page.on("request", (r) => /\/chart\?/.test(r.url()) && read.add(new URL(r.url()).searchParams.get("name")));
      await page.evaluate(() => (location.hash = "#/script/wide"));
      await page.getByText("Parameters (200)").waitFor();
      await page.getByLabel("Find one of 300 charts").waitFor();
      await page.locator(".chart canvas").first().waitFor();
      assert.ok(read.size < 30, `${read.size} series were read`);
      const rows = await page.locator("[data-parameter]").count();
      assert.ok(rows <= 30, `${rows} controls exist`);

      const find = page.getByLabel("Find a parameter");
      await find.fill("optim value_07");
      await page.getByText("Parameters (1 of 200)").waitFor();
      const field = control(page, "optimizer.value_07").getByRole("textbox");
      await field.fill("77");
      await field.press("Enter");
      await control(page, "optimizer.value_07").getByText(/^applied at step \d/).waitFor();
      assert.equal(await parameterOf(lab, "wide", "optimizer.value_07"), 77);
      await find.fill("");
      const group = page.getByRole("button", { name: /^mesh\s*25$/ });
      await group.click();
      await control(page, "mesh.value_24").waitFor();
      await group.click();
      await control(page, "mesh.value_24").waitFor({ state: "detached" });

      await page.getByLabel("Find one of 300 charts").fill("layer_49 grad");
      await chart(page, "layer_49/gradient").locator("canvas").waitFor();
      await until("the only one", async () => (await page.locator(".chart").count()) === 1);
      await page.getByLabel("Find one of 300 charts").fill("layer");
      await until("all of them", async () => (await page.locator(".chart").count()) === 300);

      // Through all of them, while each grows: what is out of sight is not drawn.
      const seen = await page.evaluate(async () => {
        const box = document.querySelector(".page");
        const took = [];
        let most = 0;
        let last = performance.now();
        for (let top = 0; top < box.scrollHeight; top += 500) {
          box.scrollTop = top;
          await new Promise(requestAnimationFrame);
          took.push(performance.now() - last);
          last = performance.now();
          most = Math.max(most, document.querySelectorAll(".chart canvas").length);
        }
        took.sort((a, b) => a - b);
        return { most, frames: took.length, median: took[took.length >> 1], late: took[Math.floor(took.length * 0.95)] };
      });
      t.diagnostic(`scrolling through 300 growing charts: median frame ${seen.median.toFixed(1)} ms, 95 % ${seen.late.toFixed(1)} ms of ${seen.frames}, ${seen.most} drawn at once`);
      assert.ok(seen.most < 60, `${seen.most} charts were drawn at once`);
      const session = await page.context().newCDPSession(page);
      await session.send("HeapProfiler.collectGarbage");
      const { usedSize } = await session.send("Runtime.getHeapUsage");
      t.diagnostic(`${(usedSize / 1e6).toFixed(1)} MB of heap`);
      assert.ok(usedSize < 80e6, `${usedSize} bytes of heap`);
    });
  } finally {
    await lab.mlhost("stop", "wide");
  }
});
