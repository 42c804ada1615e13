// Every page there is: what tests look at and pictures are taken of. Ready is
// what stands there when it has loaded.
export const pages = [
  { name: "scripts", hash: "#/", ready: "[data-index] .spark path" },
  { name: "script", hash: "#/script/trainer", ready: ".chart-title" },
  { name: "log", hash: "#/script/trainer?tab=logs", ready: ".log-line" },
  { name: "results", hash: "#/script/evaluate?tab=results", ready: ".result-number" },
  { name: "changes", hash: "#/script/trainer?tab=changes", ready: "table.plain, .empty" },
];
