import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { withPage } from "./fixture.mjs";
import { Lab } from "./host.mjs";

test("a thousand scripts: a bounded page that scrolls, finds and sorts", async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "mlhost-thousand-"));
  writeFileSync(path.join(folder, "idle.sh"), "sleep 1\n");
  const names = Array.from({ length: 1000 }, (_, i) => `worker-${String(i).padStart(4, "0")}`);
  writeFileSync(path.join(folder, "config.hcl"), `host { name = "lab1" }\n${names.map((n) => `script "${n}" {\n  source = "idle.sh"\n  interpreter = "/bin/sh"\n  autostart = false\n}\n`).join("")}`);
  const lab = new Lab(folder);
  try {
    await lab.start();
    await withPage(lab, "#/", {}, async (page) => {
      await page.getByText("Scripts (1,000)").waitFor();
      const exist = await page.locator("[data-index]").count();
      assert.ok(exist < 80, `${exist} rows exist`);
      assert.equal(await page.getByRole("table").getAttribute("aria-rowcount"), "1001");
      // Every frame of a scroll through all of it is measured.
      const frames = await page.evaluate(async () => {
        const box = document.querySelector(".table");
        const took = [];
        let last = performance.now();
        for (let top = 0; top < box.scrollHeight; top += 400) {
          box.scrollTop = top;
          await new Promise(requestAnimationFrame);
          took.push(performance.now() - last);
          last = performance.now();
        }
        return took.sort((a, b) => a - b);
      });
      t.diagnostic(`scrolling: median frame ${frames[frames.length >> 1].toFixed(1)} ms, 95 % ${frames[Math.floor(frames.length * 0.95)].toFixed(1)} ms of ${frames.length}`);
      await page.getByRole("link", { name: "worker-0999", exact: true }).waitFor();
      await page.getByRole("searchbox").fill("worker-0500");
      await page.getByText("Scripts (1 of 1,000)").waitFor();
      await page.getByRole("searchbox").fill("");
      await page.getByRole("button", { name: "Script", exact: true }).click();
      await page.getByRole("button", { name: "Script", exact: true }).click();
      await page.locator('[data-index="0"]').getByRole("link", { name: "worker-0999" }).waitFor();
    });
  } finally {
    await lab.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
