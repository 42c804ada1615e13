// Debian's Chromium, or the one that CHROMIUM names.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

export function findBrowser() {
  const known = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  return known.find((p) => p && existsSync(p));
}

export function launch(env = {}) {
  const executablePath = findBrowser();
  if (!executablePath) throw new Error("there is no Chromium here: apt-get install chromium, or name one in CHROMIUM");
  // In containers there are no user namespaces for its sandbox.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--force-color-profile=srgb"], env: { ...process.env, ...env } });
}
