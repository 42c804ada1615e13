import { rmSync } from "node:fs";
import { defineConfig } from "vitest/config";

// What an earlier build left; the folder itself keeps its committed file.
const clean = {
  name: "clean",
  apply: "build" as const,
  buildStart() {
    for (const name of ["dist/static", "dist/index.html"]) rmSync(name, { recursive: true, force: true });
  },
};

// Every file goes below static/ under a name made of its content: the host
// lets browsers keep those for ever. Nothing is inlined, for the page's policy
// allows no data but images.
export default defineConfig({
  base: "/",
  plugins: [clean],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: false,
    assetsDir: "static",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    chunkSizeWarningLimit: 200,
  },
  worker: { format: "es" },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
  },
});
