import { expect, test } from "vitest";
import { FrameParser } from "./sse";

const stream = ': still here\nid: 0\n\nid: 1\nevent: state\ndata: {"a":1}\n\nid: 2\r\nevent: log\r\ndata: x\r\ndata: y\r\n\r\nid: 3\nevent: cut\ndata: ';

test("frames are the same however the stream is cut", () => {
  const whole = new FrameParser().feed(stream);
  expect(whole).toEqual([
    { id: "0", event: "", data: "" },
    { id: "1", event: "state", data: '{"a":1}' },
    { id: "2", event: "log", data: "x\ny" },
  ]);
  for (let size = 1; size < stream.length; size++) {
    const parser = new FrameParser();
    const frames = [];
    for (let i = 0; i < stream.length; i += size) frames.push(...parser.feed(stream.slice(i, i + size)));
    // A chunk may end between \r and \n: those lines still end once.
    expect(frames).toEqual(whole);
  }
});
