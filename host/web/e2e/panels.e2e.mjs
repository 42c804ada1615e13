// Runs, their comparison, collaboration, timeline, diagnostics, mail and files.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { parameterOf, theSpareLab, until, withPage } from "./fixture.mjs";

const runsOf = async (lab, script) => (await lab.json("runs")).runs.filter((r) => r.script === script);

test("runs are found, chosen and compared", async () => {
  const lab = await theSpareLab();
  await until("an evaluation that has ended", async () => (await runsOf(lab, "evaluate"))[0]?.state === "finished");
  await lab.mlhost("set", "evaluate", "threshold=0.25");
  await lab.mlhost("start", "evaluate");
  const [second, first] = await until("a second run", async () => {
    const all = await runsOf(lab, "evaluate");
    return all.length > 1 && all.every((r) => r.state === "finished") ? all : null;
  });
  await withPage(lab, "#/runs", {}, async (page) => {
    await page.getByRole("link", { name: second.id }).waitFor();
    await page.getByRole("searchbox").fill("evaluate");
    await page.waitForFunction(() => [...document.querySelectorAll(".runs .col-script")].slice(1).every((c) => c.textContent === "evaluate"));
    for (const id of [first.id, second.id]) await page.getByLabel(`Choose run ${id} of evaluate`).check();
    await page.getByRole("button", { name: "Compare" }).click();
    const row = page.locator(".compared tr", { hasText: "threshold" });
    await row.waitFor();
    assert.deepEqual(await row.locator("td").allTextContents(), ["0.5", "0.25"]);
    await page.locator(".chart canvas").first().waitFor();
    assert.deepEqual(await page.locator(".chart-lines").first().locator("li .ellipsis").allTextContents(), [first.id, second.id]);

    const lines = page.locator(".chart").first();
    await lines.getByRole("img", { name: new RegExp(`${first.id}: 40 samples.*${second.id}: 40 samples`) }).waitFor();
    await until("the latest of both", async () => (await lines.locator(".chart-value").allTextContents()).join() === "0.9333,0.9333");
    const changes = page.getByRole("region", { name: "Changes while they ran" }).locator("tbody tr");
    assert.match(await changes.allTextContents().then((all) => all.join("\n")), new RegExp(`^[^\n]*${first.id}[^\n]*threshold0\\.50\\.25[^\n]*needs restart$`));

    await page.getByRole("link", { name: second.id }).first().click();
    await page.getByText("Parameters at the start").waitFor();
    assert.match(await page.locator(".results").textContent(), /accuracy.*0.93/);
    await page.getByText("Source", { exact: true }).click();
    await page.getByText("Ends well, with results.").waitFor();
  });
});

test("what was changed while compared runs ran is listed, the newest first, and what is changed now comes to it", async () => {
  const lab = await theSpareLab();
  const [old] = await runsOf(lab, "evaluate");
  const [run] = await runsOf(lab, "trainer");
  const before = await parameterOf(lab, "trainer", "momentum");
  await lab.mlhost("set", "trainer", "momentum=0.45");
  await lab.mlhost("set", "trainer", "note=wider");
  await withPage(lab, `#/compare/${old.id}/${run.id}`, {}, async (page) => {
    const table = page.getByRole("region", { name: "Changes while they ran" });
    const rows = table.locator("tbody tr");
    await rows.nth(1).waitFor();
    assert.deepEqual(await table.locator("thead th").allTextContents(), ["Time", "Run", "Step", "Parameter", "From", "To", "By", "Status"]);
    const cells = async (n) => (await rows.nth(n).locator("td").allTextContents()).slice(1);
    for (const [n, name, from, to] of [[0, "note", "baseline", "wider"], [1, "momentum", String(before), "0.45"]]) {
      const [id, step, ...rest] = await cells(n);
      assert.equal(id, run.id);
      assert.match(step, /^[\d,]+$/);
      assert.deepEqual([...rest.slice(0, 3), rest[4]], [name, from, to, "applied"]);
      assert.notEqual(rest[3], "");
    }
    await page.locator(".chart", { hasText: "loss" }).first().getByRole("img", { name: /changes of parameters are marked/ }).waitFor();
    await lab.mlhost("set", "trainer", "note=wider still");
    await rows.filter({ hasText: "wider still" }).waitFor();
    await table.getByRole("link", { name: run.id }).first().click();
    await page.getByText("Parameters at the start").waitFor();
  });
});

test("a run that begins while the list is open appears in it", async () => {
  const lab = await theSpareLab();
  await withPage(lab, "#/runs", {}, async (page) => {
    await page.locator(".runs [data-index]").first().waitFor();
    await lab.mlhost("start", "deploy");
    const [run] = await until("a run of deploy", async () => (await runsOf(lab, "deploy")).length > 0 && runsOf(lab, "deploy"));
    const row = page.locator("[data-index]", { has: page.getByRole("link", { name: run.id }) });
    await row.getByText("finished").waitFor();
  });
});

test("the graph and the routes say what fired, and why not", async () => {
  const lab = await theSpareLab();
  await withPage(lab, "#/collaboration", {}, async (page) => {
    await page.locator(".graph .node", { hasText: "sampler" }).waitFor();
    const route = page.locator(".routes li", { hasText: "cool-down" });
    await route.getByText(/never fired/).waitFor();
    await page.locator(".graph .node", { hasText: "sampler" }).click();
    await page.getByRole("heading", { level: 1, name: "sampler" }).waitFor();
  });
});

test("what happens now stands at the top of the timeline, once", async () => {
  const lab = await theSpareLab();
  await withPage(lab, "#/timeline?show=changes", {}, async (page) => {
    await page.getByRole("button", { name: "Changes", pressed: true }).waitFor();
    await page.locator(".timeline .event, .timeline .empty").first().waitFor();
    await lab.mlhost("set", "trainer", "momentum=0.35");
    const event = page.locator(".event", { hasText: "→ 0.35" });
    await until("the change at the top", async () => (await page.locator(".event").allTextContents())[0]?.includes("→ 0.35"));
    assert.equal(await event.count(), 1);
    await page.reload();
    await event.waitFor();
    await until("the change, once", async () => (await event.count()) === 1);
  });
});

test("diagnostics: what the doctor finds, and a configuration that is broken is told until it is good", async () => {
  const lab = await theSpareLab();
  const file = path.join(lab.dir, "lab", "config.hcl");
  const before = await readFile(file, "utf8");
  await withPage(lab, "#/diagnostics", { allow: /422/ }, async (page) => {
    await page.locator(".checks li", { hasText: "free disk" }).waitFor();
    assert.match(await page.locator(".checks li").first().textContent(), /look at it|fails/);
    await page.getByText("The scripts run as the configuration says.").waitFor();
    await writeFile(file, `${before}\nscript "half`);
    try {
      await page.getByText(/The configuration cannot be used as it is now/).waitFor();
    } finally {
      await writeFile(file, before);
    }
    await page.getByText(/The configuration cannot be used as it is now/).waitFor({ state: "detached" });
  });
});

test("mail that waits and files that were written are shown, and the file can be had", async () => {
  const lab = await theSpareLab();
  await lab.mlhost("tell", "feeder", "data", '{"path": "<b>new.csv</b>"}');
  await withPage(lab, "#/script/feeder?tab=mailbox", {}, async (page) => {
    await page.locator(".mail li", { hasText: "<b>new.csv</b>" }).waitFor();
    assert.equal(await page.locator(".mail b").count(), 0);
  });
  await writeFile(path.join(lab.dir, "lab", "writer.py"), "open('weights.csv', 'w').write('a,b\\n1,2\\n')\n");
  await writeFile(path.join(lab.dir, "lab", "config.hcl"), `${await readFile(path.join(lab.dir, "lab", "config.hcl"), "utf8")}\nscript "writer" {\n  source = "writer.py"\n  restart { policy = "never" }\n}\n`);
  await until("the writer's end", async () => (await runsOf(lab, "writer"))[0]?.state === "finished");
  await withPage(lab, "#/script/writer?tab=artifacts", {}, async (page) => {
    const row = page.locator("tr", { hasText: "weights.csv" });
    await row.waitFor();
    const download = page.waitForEvent("download");
    await row.getByRole("button").click();
    assert.equal(await readFile(await (await download).path(), "utf8"), "a,b\n1,2\n");
  });
});
