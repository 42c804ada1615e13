import { expect, test } from "vitest";
import { groupsOf, openAtFirst, prefixOf } from "./groups";

test("a name is grouped by what stands before its first slash or dot", () => {
  expect(["train/loss", "train/top5/acc", "optimizer.lr", "optimizer[1].lr", "loss", "acc@0.5", "0.5", "/x", "x/", ".lr", "größe.höhe"].map(prefixOf)).toEqual(
    ["train", "train", "optimizer", "optimizer[1]", "", "", "", "", "", "", "größe"],
  );
});

test("few names stay together, many are parted, lonely ones stand in front", () => {
  const names = ["a/x", "a/y", "b/x", "c", "b/y"];
  expect(groupsOf(names, 6)).toEqual([{ title: "", names }]);
  expect(groupsOf(names, 5)).toEqual([{ title: "", names: ["c"] }, { title: "a", names: ["a/x", "a/y"] }, { title: "b", names: ["b/x", "b/y"] }]);
  expect(groupsOf(["a/x", "b/y", "c"], 1)).toEqual([{ title: "", names: ["a/x", "b/y", "c"] }]);
  expect(groupsOf(["a/x", "a/y"], 1)).toEqual([{ title: "", names: ["a/x", "a/y"] }]);
});

test("the first group is open, and as many more as there is room for", () => {
  const groups = [3, 2, 9, 1].map((n, i) => ({ title: `g${i}`, names: Array.from({ length: n }, String) }));
  expect([...openAtFirst(groups, 5)]).toEqual(["g0", "g1"]);
  expect([...openAtFirst(groups, 1)]).toEqual(["g0"]);
  expect([...openAtFirst(groups, 99)]).toEqual(["g0", "g1", "g2", "g3"]);
});
