// What becomes of a change, in every way in which one can end.
import assert from "node:assert/strict";
import { test } from "node:test";
import { control, parameterOf, theKnobs, until, withPage } from "./fixture.mjs";

async function type(page, name, text) {
  const field = control(page, name).getByRole("textbox");
  await field.fill(text);
  await field.press("Enter");
}

test("a change is pending until it is applied at a step, waits for the next run, or is overwritten", async () => {
  const lab = await theKnobs();
  await withPage(lab, "#/script/knobs", {}, async (page) => {
    await type(page, "later", "42");
    await control(page, "later").getByText(/^pending: 42, when the epoch ends/).waitFor();
    await type(page, "epoch", "1");
    await control(page, "later").getByText(/^applied at step \d/).waitFor();
    assert.equal(await parameterOf(lab, "knobs", "later"), 42);
    await until("its slider follows", async () => (await control(page, "later").getByRole("textbox").inputValue()) === "42");

    await type(page, "next", "8");
    await control(page, "next").getByText(/^8 from the next run/).waitFor();
    assert.equal(await parameterOf(lab, "knobs", "next"), 3);

    await type(page, "stubborn", "2");
    await control(page, "stubborn").getByText(/^overwritten: the script put 1 in its place at step \d/).waitFor();

    assert.ok(await control(page, "fixed").getByRole("textbox").isDisabled());
    await page.getByRole("link", { name: "Changes", exact: true }).click();
    const row = page.locator("tr", { hasText: "later" }).filter({ hasText: "42" }).filter({ hasText: "applied" });
    await row.first().waitFor();
    assert.match(await row.first().textContent(), /10.*42/s);
  });
});

test("a slider that is held stays where it is held, whatever others set", async () => {
  const lab = await theKnobs();
  await withPage(lab, "#/script/knobs", {}, async (page) => {
    const slider = control(page, "rate").getByRole("slider");
    const box = await slider.boundingBox();
    const middle = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width / 2, middle);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.9, middle, { steps: 4 });
    const held = await slider.inputValue();
    await lab.mlhost("set", "knobs", "rate=0.1");
    await control(page, "rate").getByText(/^applied at step \d.* by /).waitFor();
    assert.equal(await slider.inputValue(), held);
    await page.mouse.up();
    const now = await until("the place where it was let go", async () => {
      const v = await parameterOf(lab, "knobs", "rate");
      return v > 0.8 && v;
    });
    await until("the field says so", async () => Number(await control(page, "rate").getByRole("textbox").inputValue()) === now);
  });
});

test("what a route moves is taken over, stays so, and is given back", async () => {
  const lab = await theKnobs();
  await withPage(lab, "#/script/knobs", {}, async (page) => {
    const box = control(page, "gain");
    await until("the route has moved it", async () => (await parameterOf(lab, "knobs", "gain")) === 0.75);
    await box.getByText("moved by route raise").waitFor();
    await box.getByRole("button", { name: "Take over" }).click();
    await box.getByText("moved by route").waitFor({ state: "detached" });
    await type(page, "gain", "0.1");
    await until("a value of a person's", async () => (await parameterOf(lab, "knobs", "gain")) === 0.1);
    await box.getByText(/held by/).waitFor();
    // The route goes on to look, for more than a whole turn of the signal, and leaves it alone.
    const stepOf = async () => (await lab.json("ps")).scripts.find((s) => s.name === "knobs").step;
    const then = await stepOf();
    await until("seventy steps", async () => (await stepOf()) > then + 70);
    assert.equal(await parameterOf(lab, "knobs", "gain"), 0.1);
    await box.getByRole("button", { name: "Release" }).click();
    await until("the route moves it again", async () => (await parameterOf(lab, "knobs", "gain")) === 0.75);

    await page.evaluate(() => (location.hash = "#/collaboration"));
    const route = page.locator(".routes li", { hasText: "raise" });
    await route.getByText(/Fired last at \d/).waitFor();
    assert.match(await route.locator(".route-count").textContent(), /^[1-9]/);
  });
});

test("to start asks nothing", async () => {
  const lab = await theKnobs();
  await withPage(lab, "#/script/quiet", {}, async (page) => {
    await page.getByText("This script has not run yet").waitFor();
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await page.locator(".page-head").getByText("finished", { exact: true }).waitFor();
    await page.locator(".facts", { hasText: "Run" }).getByRole("link").waitFor();
  });
});
