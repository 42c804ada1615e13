import { expect, test } from "vitest";
import { clean, highlight } from "./text";

test("what acts on a terminal is taken out", () => {
  expect(clean("\u001b[31;1mred\u001b[0m \u001b]0;title\u0007x\u001b[2J")).toBe("red x");
  expect(clean("10%\r 50%\r100%\r\n")).toBe("100%");
  expect(clean("a\u0000b\u0007\tc\u009b")).toBe("a␀b␇\tc�");
  expect(clean("safe\u202etxt.exe")).toBe("safe�txt.exe");
  expect(clean("<script>alert(1)</script>")).toBe("<script>alert(1)</script>");
});

test("a title that never ends hides nothing behind it for ever", () => {
  expect(clean("a\u001b]0;never ends")).toBe("a");
});

test("what was searched for is marked", () => {
  expect(highlight("Loss loss", "LOSS")).toEqual([{ text: "Loss", hit: true }, { text: " ", hit: false }, { text: "loss", hit: true }]);
  expect(highlight("x", "")).toEqual([{ text: "x", hit: false }]);
});
