// Holes in what comes to a page: it says so, and shows everything again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { samplesOf, theKnobs, theWire, until, withPage } from "./fixture.mjs";

const kept = async (lab) => (await lab.json("runs", "show", "knobs")).series.find((s) => s.name === "signal").count;
const ended = async (lab) => (await lab.json("ps")).scripts.find((s) => s.name === "flood").state === "finished";

/** Lets a script say more than the host remembers. */
async function flood(lab) {
  await lab.mlhost("start", "flood");
  await until("the end of the flood", () => ended(lab), 60_000);
}

/** Compares what the page shows of a script that stands still with what the host has kept. */
async function whole(page, lab) {
  await lab.mlhost("pause", "knobs");
  try {
    await until("every sample is there", async () => (await samplesOf(page, "signal")) === (await kept(lab)));
  } finally {
    await lab.mlhost("resume", "knobs");
  }
}

test("a page that was too slow, or away for too long, says that there was a gap, and has none", async () => {
  const lab = await theKnobs();
  const wire = await theWire(lab);
  try {
    await withPage(wire, "#/script/flood?tab=logs", { offline: true }, async (page) => {
      const bar = page.locator(".banner", { hasText: "There was a gap before" });
      await page.getByText("Nothing was printed yet").waitFor();
      assert.equal(await bar.count(), 0);

      wire.hold();
      await flood(lab);
      wire.release();
      await bar.getByRole("status").getByText(/^This page was too slow to show everything\. There was a gap before .+; everything was read anew\.$/).waitFor();
      await page.locator(".log-line", { hasText: /step 40000 loss/ }).waitFor();
      await bar.getByRole("button", { name: "Close" }).click();
      await bar.waitFor({ state: "detached" });

      await page.evaluate(() => (location.hash = "#/script/knobs"));
      await page.locator(".chart canvas").first().waitFor();
      wire.cut();
      await page.getByText("The host does not answer").waitFor();
      await flood(lab);
      wire.mend();
      await bar.getByText(/^The page was away for longer than the host remembers\./).waitFor();
      await page.getByText("The host does not answer").waitFor({ state: "detached" });
      await whole(page, lab);
    });
  } finally {
    wire.close();
  }
});
