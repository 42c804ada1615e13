// Runs every end-to-end test in this folder, one after the other, in one
// process: they share a host and a browser. Names given choose files.
import { readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
for (const file of readdirSync(here).sort()) {
  if (file.endsWith(".e2e.mjs") && (wanted.length === 0 || wanted.some((w) => file.startsWith(w)))) await import(path.join(here, file));
}
