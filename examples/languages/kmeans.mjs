// k-means on the petals. Its settings stand in a file that is written for it.
import { readFileSync } from "node:fs";

const { clusters } = JSON.parse(readFileSync("settings.json", "utf8"));
const flowers = readFileSync("../data/iris.csv", "utf8").trim().split("\n").slice(1)
  .map((line) => line.split(",").slice(2, 4).map(Number));
const distance = (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2;
const nearest = (flower, centres) =>
  centres.reduce((best, centre, i) => (distance(flower, centre) < distance(flower, centres[best]) ? i : best), 0);

// Start far apart: each next centre is the flower that is farthest from those before.
const centres = [flowers[0]];
while (centres.length < clusters) {
  const far = (flower) => distance(flower, centres[nearest(flower, centres)]);
  centres.push(flowers.reduce((best, flower) => (far(flower) > far(best) ? flower : best)));
}
for (let round = 1; round <= 20; round++) {
  const groups = centres.map(() => []);
  for (const flower of flowers) groups[nearest(flower, centres)].push(flower);
  groups.forEach((group, i) => {
    if (group.length > 0) centres[i] = [0, 1].map((axis) => group.reduce((sum, f) => sum + f[axis], 0) / group.length);
  });
  const inertia = flowers.reduce((sum, flower) => sum + distance(flower, centres[nearest(flower, centres)]), 0);
  console.log(`round ${round} inertia=${inertia.toFixed(4)}`);
}
