// Every page there is: what tests look at and pictures are taken of. Ready is
// what stands there when it has loaded.
export const pages = [
  { name: "scripts", hash: "#/", ready: "[data-index] .spark path" },
  { name: "script", hash: "#/script/trainer", ready: ".chart-title" },
  { name: "log", hash: "#/script/trainer?tab=logs", ready: ".log-line" },
  { name: "results", hash: "#/script/evaluate?tab=results", ready: ".result-number" },
  { name: "changes", hash: "#/script/trainer?tab=changes", ready: "table.plain, .empty" },
  { name: "artifacts", hash: "#/script/evaluate?tab=artifacts", ready: "table.plain, .empty" },
  { name: "mailbox", hash: "#/script/feeder?tab=mailbox", ready: ".mail, .empty" },
  { name: "collaboration", hash: "#/collaboration", ready: ".graph .node" },
  { name: "runs", hash: "#/runs", ready: ".runs [data-index]" },
  { name: "run", hash: runs((ids) => `#/runs/${ids[0]}`), ready: ".record dd" },
  { name: "compare", hash: runs((ids) => `#/compare/${ids.slice(0, 2).join("/")}`), ready: ".compared" },
  { name: "timeline", hash: "#/timeline", ready: ".event" },
  { name: "diagnostics", hash: "#/diagnostics", ready: ".checks li" },
];

/** An address made of the ids of runs, evaluate's and the trainer's first. */
function runs(made) {
  return async (lab) => {
    const all = (await lab.json("runs")).runs;
    return made([...all.filter((r) => r.script === "evaluate"), ...all.filter((r) => r.script === "trainer"), ...all].map((r) => r.id));
  };
}

/** Shows a page, and waits until it has loaded. */
export async function show(page, lab, { hash, ready }) {
  const address = typeof hash === "string" ? hash : await hash(lab);
  await page.evaluate((h) => (location.hash = h), address);
  await page.locator(ready).first().waitFor({ state: "attached" });
}
