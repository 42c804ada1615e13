// A log that is longer than what a page holds.
import assert from "node:assert/strict";
import { appendFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { theKnobs, theSpareLab, until, withPage } from "./fixture.mjs";

test("older lines are read from what is kept, searched there, and left again", async () => {
  const lab = await theSpareLab();
  const folder = path.join(lab.dir, "lab");
  await writeFile(path.join(folder, "printer.py"), "for i in range(12_000):\n    print(f'line {i}.')\n");
  await appendFile(path.join(folder, "config.hcl"), '\nscript "printer" {\n  source = "printer.py"\n  restart { policy = "never" }\n}\n');
  await until("the printer's end", async () => (await lab.json("runs")).runs.find((r) => r.script === "printer")?.state === "finished");
  await withPage(lab, "#/script/printer?tab=logs", {}, async (page) => {
    const line = (n) => page.locator(".log-line", { hasText: `line ${n}.` });
    await line(11_999).waitFor();
    await page.getByText("5,000 lines").waitFor();
    await page.getByRole("button", { name: "Older lines" }).click();
    await page.getByText(/read from what is kept/).waitFor();
    await page.getByLabel("Search the log").fill("line 17.");
    await line(17).waitFor();
    assert.equal(await page.locator(".log-line").count(), 1);
    await page.getByRole("button", { name: "Follow" }).click();
    await page.getByLabel("Search the log").fill("");
    await line(11_999).waitFor();
  });
});

test("levels choose, pause holds, and a time is jumped to", async () => {
  const lab = await theKnobs();
  await withPage(lab, "#/script/knobs?tab=logs", {}, async (page) => {
    const lines = page.locator(".log-line");
    await lines.filter({ hasText: /^.*step \d+$/ }).first().waitFor();
    await page.getByRole("button", { name: "Warnings" }).click();
    await until("warnings and errors alone", async () => (await lines.count()) === 2);
    await lines.filter({ hasText: "first line of level error" }).waitFor();
    await page.getByRole("button", { name: "Errors" }).click();
    await until("errors alone", async () => (await lines.count()) === 1);
    await page.getByRole("button", { name: "All", exact: true }).click();
    await page.getByRole("button", { name: "Pause", exact: true }).last().click();
    const last = await lines.last().textContent();
    await page.getByRole("button", { name: /Paused, [1-9][\d,]* new/ }).waitFor();
    assert.equal(await lines.last().textContent(), last);
    await page.getByRole("button", { name: "Follow" }).click();
    await until("what is new", async () => (await lines.last().textContent()) !== last);
    await page.getByLabel("Jump to a time").fill("-1h");
    await page.getByLabel("Jump to a time").press("Enter");
    await lines.filter({ hasText: "first line of level debug" }).waitFor();
    await page.getByLabel("Jump to a time").fill("soon");
    await page.getByLabel("Jump to a time").press("Enter");
    assert.equal(await page.getByLabel("Jump to a time").getAttribute("aria-invalid"), "true");
  });
});
