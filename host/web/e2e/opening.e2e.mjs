// How one gets in, what is kept of that, and that nobody else does.
import assert from "node:assert/strict";
import { test } from "node:test";
import { theBrowser, theKnobs, theLab, until, withPage } from "./fixture.mjs";
import { pages, show } from "./pages.mjs";

test("a link opens once; its token is in session storage and nowhere else", async () => {
  const lab = await theLab();
  const link = await lab.link();
  const context = await (await theBrowser()).newContext();
  const page = await context.newPage();
  const asked = [];
  page.on("request", (r) => asked.push(r));
  await page.goto(link);
  await page.locator("[data-index]").first().waitFor();
  const kept = await page.evaluate(() => ({ session: { ...sessionStorage }, local: JSON.stringify({ ...localStorage }), cookie: document.cookie, url: location.href, past: performance.getEntriesByType("resource").map((e) => e.name) }));
  const token = Object.values(kept.session)[0];
  assert.ok(token?.length >= 20, "a token is kept for this tab");
  assert.ok(!kept.local.includes(token));
  assert.equal(kept.cookie, "");
  assert.deepEqual(await context.cookies(), []);
  const code = new URL(link).hash.slice(6);
  for (const secret of [token, code]) for (const url of [kept.url, ...kept.past, ...asked.map((r) => r.url().split("#")[0])]) assert.ok(!url.includes(secret), `${url} holds a secret`);
  const api = asked.filter((r) => /\/api\/v1\/(?!login)/.test(r.url()));
  assert.ok(api.length > 0 && api.every((r) => r.headers().authorization === `Bearer ${token}`));

  await page.reload();
  await page.locator("[data-index]").first().waitFor(); // still in
  const stranger = await (await theBrowser()).newContext();
  const other = await stranger.newPage();
  await other.goto(link);
  await other.getByText("this link was followed already").waitFor();
  assert.equal(await other.locator(".shell").count(), 0);
  await other.getByLabel("Token of the host").fill("a".repeat(40));
  await other.getByRole("button", { name: "Log in" }).click();
  await other.getByText(/does not know this tab's token|not logged in any more/).waitFor();
  await other.getByLabel("Token of the host").fill(token);
  await other.getByRole("button", { name: "Log in" }).click();
  await other.locator("[data-index]").first().waitFor();
  await stranger.close();
  await context.close();
});

test("a token that the host does not know any more ends in the gate, not in an empty page", async () => {
  const lab = await theLab();
  await withPage(lab, "#/", { allow: /401|Failed to load/ }, async (page) => {
    await page.evaluate(() => sessionStorage.setItem(Object.keys(sessionStorage)[0], "stale"));
    await page.reload();
    await page.getByRole("alert").getByText(/not logged in any more|does not know this tab/).waitFor();
    await page.getByText("mlhost ui").waitFor();
  });
});

test("deep links survive a reload, and back and forward go from view to view", async () => {
  const lab = await theLab();
  await withPage(lab, "#/script/trainer?tab=logs", {}, async (page) => {
    const log = page.getByRole("link", { name: "Log", exact: true });
    await page.locator(".log-line").first().waitFor();
    await page.reload();
    await page.locator(".log-line").first().waitFor();
    assert.equal(await log.getAttribute("aria-current"), "page");
    await page.getByRole("link", { name: "Charts and parameters" }).click();
    await page.getByRole("button", { name: "Time", exact: true }).click();
    await page.getByRole("button", { name: "Time", pressed: true, exact: true }).waitFor();
    await page.getByRole("link", { name: "Runs", exact: true }).click();
    await page.locator(".runs [data-index]").first().waitFor();
    await page.goBack();
    await page.getByRole("button", { name: "Time", pressed: true, exact: true }).waitFor();
    await page.goBack();
    await page.locator(".log-line").first().waitFor();
    await page.goForward();
    await page.goForward();
    await page.locator(".runs [data-index]").first().waitFor();
    await page.evaluate(() => (location.hash = "#/nowhere/at/all"));
    await page.getByText("There is no such page").waitFor();
  });
});

test("nothing comes from elsewhere, and what is not a file of ours does not run", async () => {
  const lab = await theLab();
  const foreign = [];
  await withPage(lab, "#/", { allow: /TrustedScript|TrustedHTML|Content Security Policy|Refused/ }, async (page, context) => {
    context.on("request", (r) => !r.url().startsWith(`${lab.base}/`) && !r.url().startsWith("blob:") && foreign.push(r.url()));
    for (const p of pages) await show(page, lab, p);
    assert.deepEqual(foreign, []);
    const ran = await page.evaluate(async () => {
      const tries = [
        () => {
          const s = document.createElement("script");
          s.textContent = "globalThis.broken = 1";
          document.body.append(s);
        },
        () => (document.body.firstElementChild.innerHTML = "<img src=x onerror='globalThis.broken = 1'>"),
        () => document.body.setAttribute("onclick", "globalThis.broken = 1"),
      ];
      for (const t of tries) {
        try {
          t();
        } catch {
          // refused, as it should be
        }
      }
      document.body.click();
      await new Promise(requestAnimationFrame);
      return globalThis.broken;
    });
    assert.equal(ran, undefined);
  });
});

test("tabs share one stream; two hosts in one browser do not mix", async () => {
  const lab = await theLab();
  const knobs = await theKnobs();
  await withPage(lab, "#/", {}, async (page, context) => {
    const streams = [];
    context.on("request", (r) => /\/api\/v1\/events\?/.test(r.url()) && streams.push(r.frame().url()));
    const second = await context.newPage();
    await second.goto(`${lab.base}/#/script/trainer`);
    await second.getByRole("heading", { level: 1, name: "trainer" }).waitFor();
    const other = await context.newPage();
    await other.goto(await knobs.link());
    await other.getByRole("link", { name: "knobs", exact: true }).waitFor();
    const cdp = await context.browser().newBrowserCDPSession();
    const workers = async () => (await cdp.send("Target.getTargets")).targetInfos.filter((t) => t.type === "shared_worker" && t.url.startsWith(lab.base)).length;
    await until("one worker for both tabs", async () => (await workers()) === 1);
    assert.deepEqual(streams, [], "no tab holds a stream of its own");
    assert.match(await page.title(), /lab1/);
    assert.match(await other.title(), /knobs/);
    assert.equal(await other.getByRole("link", { name: "trainer", exact: true }).count(), 0);
    await knobs.mlhost("set", "knobs", "rate=0.3");
    await page.reload();
    await page.getByRole("link", { name: "trainer", exact: true }).waitFor();
  });
});

test("what the host cannot answer is said in its place, and asked again", async () => {
  const lab = await theLab();
  await withPage(lab, "#/", { allow: /500|Failed to load/ }, async (page) => {
    await page.route("**/api/v1/runs?**", (r) => r.fulfill({ status: 500, contentType: "application/problem+json", body: JSON.stringify({ status: 500, message: "the store is away", code: "internal" }) }));
    await page.getByRole("link", { name: "Runs", exact: true }).click();
    await page.getByRole("alert").getByText("the store is away").waitFor();
    await page.unroute("**/api/v1/runs?**");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator(".runs [data-index]").first().waitFor();
  });
});
