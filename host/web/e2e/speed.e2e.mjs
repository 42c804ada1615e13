import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { until, withPage } from "./fixture.mjs";
import { Lab } from "./host.mjs";

const million = 1_000_000;

test("a chart of a million samples, and one that grows", async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "mlhost-million-"));
  writeFileSync(path.join(folder, "burst.py"), `
import math, time, mlhost
for step in range(${million}):
    mlhost.log(step=step, loss=math.sin(step / 20000))
    if step % 1000 == 0:
        time.sleep(0.01)  # a wrapper that is not given the time drops samples, and says so
time.sleep(1)
mlhost.log(step=${million}, loss=50)
print("all told", flush=True)
time.sleep(3600)
`);
  writeFileSync(path.join(folder, "grow.py"), "import math, time, mlhost\nfor step in mlhost.loop(10_000_000):\n    mlhost.log(loss=math.sin(step / 100), other=step)\n    time.sleep(0.002)\n");
  writeFileSync(path.join(folder, "config.hcl"), 'host { name = "lab1" }\nscript "burst" { source = "burst.py" }\nscript "grow" {\n  source = "grow.py"\n  autostart = false\n}\n');
  const lab = new Lab(folder);
  try {
    await lab.start();
    await until("the script has told all", async () => (await lab.mlhost("logs", "burst")).includes("all told"), 120_000);
    const kept = await until("the last sample", async () => {
      const loss = (await lab.json("runs", "show", "burst")).series.find((s) => s.name === "loss");
      return loss?.last === 50 && loss.count;
    });
    assert.ok(kept > million / 2, `${kept} samples were kept`);
    await withPage(lab, "#/", {}, async (page) => {
      await page.getByRole("link", { name: "burst" }).waitFor();
      const began = Date.now();
      await page.getByRole("link", { name: "burst" }).click();
      await page.getByRole("img", { name: new RegExp(`loss: ${kept.toLocaleString("en-US")} samples from −1 to 50`) }).waitFor(); // its one peak is there
      t.diagnostic(`${kept} samples are drawn after ${Date.now() - began} ms, half a second of which is the pace of what is told in words`);
      await lab.mlhost("start", "grow");
      await page.evaluate(() => (location.hash = "#/script/grow"));
      await page.locator(".chart canvas").nth(1).waitFor();
      const frames = await page.evaluate(async () => {
        const took = [];
        for (let last = performance.now(), i = 0; i < 180; i++) {
          await new Promise(requestAnimationFrame);
          took.push(performance.now() - last);
          last = performance.now();
        }
        return took.sort((a, b) => a - b);
      });
      const median = frames[frames.length >> 1];
      t.diagnostic(`two charts that grow by 400 samples a second: median frame ${median.toFixed(1)} ms, 95 % ${frames[Math.floor(frames.length * 0.95)].toFixed(1)} ms`);
      assert.ok(median < 100, `a frame takes ${median} ms`);
    });
  } finally {
    await lab.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
