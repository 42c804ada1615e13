import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { withPage } from "./fixture.mjs";
import { Lab } from "./host.mjs";

const evil = "<img src=x onerror=alert(1)>";

const script = `
import sys, time, mlhost
evil = "<img src=x onerror=alert(1)>"
p = mlhost.param("x", 1.0, min=0, max=2, doc="<script>alert(2)</script>" + evil)
print("\\x1b[31mred\\x1b[0m " + evil, flush=True)
print("safe\\u202etxt.exe", flush=True)
print("y" * 200_000 + "END", flush=True)
sys.stdout.buffer.write(b"\\xff\\xfe\\x00bin\\n"); sys.stdout.flush()
mlhost.result(**{evil: evil, "list": [evil]})
for step in mlhost.loop(100_000):
    mlhost.log(**{evil: step, "a/b?c#d&e=f%": step, "__proto__": step, "constructor": step, "loss": float("nan")})
    time.sleep(0.05)
`;

test("names, documents and lines that would do harm are text", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "mlhost-hostile-"));
  writeFileSync(path.join(folder, "evil.py"), script);
  writeFileSync(path.join(folder, "config.hcl"), `host { name = "lab1" }\nscript "evil" { source = "evil.py" }\n`);
  const lab = new Lab(folder);
  try {
    await lab.start();
    await withPage(lab, "#/", { before: () => (globalThis.alert = () => (globalThis.harmed = true)) }, async (page) => {
      const harmless = async (where) => {
        assert.equal(await page.evaluate(() => globalThis.harmed), undefined, where);
        assert.equal(await page.locator("#app :is(img[src], script, iframe, b)").count(), 0, where);
      };
      await page.getByRole("link", { name: "evil", exact: true }).waitFor();
      await page.goto(`${lab.base}/#/script/${encodeURIComponent(evil)}`);
      await page.getByText(`There is no script ${evil}`).waitFor();
      await harmless("a link to a script that is none");
      await page.goto(`${lab.base}/#/script/evil`);
      for (const name of [evil, "a/b?c#d&e=f%", "__proto__", "constructor"]) await page.locator(".chart-title", { hasText: name }).first().waitFor();
      await page.locator(".chart canvas").first().waitFor();
      await page.getByText("<script>alert(2)</script>").waitFor();
      await harmless("charts");
      await page.getByRole("link", { name: "Results" }).click();
      await page.getByText(evil).first().waitFor();
      await harmless("results");
      await page.getByRole("link", { name: "Log", exact: true }).click();
      await page.getByText(`red ${evil}`).waitFor();
      await page.getByText("safe�txt.exe").waitFor();
      await harmless("log");
      const { width } = await page.evaluate(() => ({ width: document.documentElement.scrollWidth - innerWidth }));
      assert.ok(width <= 0, "the page does not grow to the side");
    });
  } finally {
    await lab.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
