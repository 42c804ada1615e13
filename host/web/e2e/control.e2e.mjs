import assert from "node:assert/strict";
import { test } from "node:test";
import { chart, control, parameterOf, theLab, until, withPage } from "./fixture.mjs";

test("a slider moves: the script obeys, the curve bends, the chart has a mark", async () => {
  const lab = await theLab();
  await withPage(lab, "#/script/trainer", {}, async (page) => {
    await chart(page, "loss").locator("canvas").waitFor();
    const before = await parameterOf(lab, "trainer", "learning_rate");
    const slider = control(page, "learning_rate").getByRole("slider");
    await slider.focus();
    for (let i = 0; i < 3; i++) await page.keyboard.press("PageUp");
    await control(page, "learning_rate").getByText(/applied at step \d/).waitFor();
    const now = await until("another value", async () => {
      const v = await parameterOf(lab, "trainer", "learning_rate");
      return v !== before && v;
    });
    assert.ok(now > before * 2, `from ${before} to ${now}`);
    await chart(page, "loss").getByRole("img", { name: /1 change of a parameter is marked/ }).waitFor();
    // The script itself tells the rate that it uses.
    await until("the script uses it", async () => (await lab.mlhost("logs", "trainer")).includes(`learning rate ${now}`));
    await page.getByRole("link", { name: "Changes" }).click();
    await page.getByRole("button", { name: "Revert" }).first().click();
    await until("the old value is back", async () => (await parameterOf(lab, "trainer", "learning_rate")) === before);
  });
});

test("a refused value: the reason is told, what was typed stays, nothing changes", async () => {
  const lab = await theLab();
  await withPage(lab, "#/script/trainer", { allow: /422/ }, async (page) => {
    const field = control(page, "momentum").getByRole("textbox");
    const before = await parameterOf(lab, "trainer", "momentum");
    await field.fill("7");
    await field.press("Enter");
    await control(page, "momentum").getByText(/rejected: .*0\.99/).waitFor();
    assert.equal(await field.inputValue(), "7");
    assert.equal(await parameterOf(lab, "trainer", "momentum"), before);
    await field.press("Escape");
    assert.equal(await field.inputValue(), String(before));
    await page.locator("#parameter-batch_size").selectOption({ label: "128" });
    await until("a choice", async () => (await parameterOf(lab, "trainer", "batch_size")) === 128);
    await control(page, "augment").getByRole("switch").click();
    await until("a switch", async () => (await parameterOf(lab, "trainer", "augment")) === false);
  });
});

test("two browsers: each sees the other's change, and nobody's typing is lost", async () => {
  const lab = await theLab();
  await withPage(lab, "#/script/trainer", {}, async (one) => {
    await withPage(lab, "#/script/trainer", {}, async (two) => {
      const typing = control(two, "note").getByRole("textbox");
      await typing.fill("half a word");
      const field = control(one, "note").getByRole("textbox");
      await field.fill("from one");
      await field.press("Enter");
      await control(two, "note").getByText("in use: from one").waitFor();
      assert.equal(await typing.inputValue(), "half a word");
      await control(two, "note").getByRole("button", { name: "Discard" }).click();
      assert.equal(await typing.inputValue(), "from one");
      await control(two, "momentum").getByRole("textbox").fill("0.5");
      await control(two, "momentum").getByRole("textbox").press("Enter");
      await control(one, "momentum").getByText(/applied/).waitFor();
      assert.equal(await control(one, "momentum").getByRole("textbox").inputValue(), "0.5");
    });
  });
});

test("NaN is marked in the chart and told in words", async () => {
  const lab = await theLab();
  await withPage(lab, "#/script/trainer", {}, async (page) => {
    await chart(page, "loss").locator("canvas").waitFor();
    await lab.mlhost("set", "trainer", "learning_rate=8");
    await chart(page, "loss").getByRole("img", { name: /no finite number/ }).waitFor();
    await page.getByText("NaN").first().waitFor();
    await lab.mlhost("set", "trainer", "learning_rate=0.03");
  });
});

test("a parameter that a route moves is taken over", async () => {
  const lab = await theLab();
  await withPage(lab, "#/script/sampler", {}, async (page) => {
    const box = control(page, "temperature");
    await box.getByText(/moved by route/).waitFor();
    assert.ok(await box.getByRole("slider").isDisabled());
    await box.getByRole("button", { name: "Take over" }).click();
    await box.getByText(/moved by route/).waitFor({ state: "detached" });
    assert.ok(await box.getByRole("slider").isEnabled());
  });
});
