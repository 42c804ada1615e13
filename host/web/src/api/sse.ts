// The framing of server-sent events, read from a fetch, which can send the
// token in a header where EventSource cannot.

export interface Frame {
  id: string;
  event: string;
  data: string;
}

/** Cuts a stream of text into frames. Feed it chunks as they come. */
export class FrameParser {
  private rest = "";
  private frame: Frame = { id: "", event: "", data: "" };
  private started = false;

  /** Returns the frames that this chunk completes. */
  feed(chunk: string): Frame[] {
    const out: Frame[] = [];
    const text = this.rest + chunk;
    let from = 0;
    for (;;) {
      const end = text.indexOf("\n", from);
      if (end < 0) break;
      const line = text.slice(from, text[end - 1] === "\r" ? end - 1 : end);
      from = end + 1;
      if (line === "") {
        if (this.started || this.frame.id) out.push(this.frame); // an id alone counts too
        this.frame = { id: "", event: "", data: "" };
        this.started = false;
      } else {
        this.field(line);
      }
    }
    this.rest = text.slice(from);
    return out;
  }

  private field(line: string): void {
    if (line.startsWith(":")) return; // a sign of life
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "id") this.frame.id = value;
    else if (name === "event") this.frame.event = value;
    else if (name === "data") {
      this.frame.data = this.started ? `${this.frame.data}\n${value}` : value;
      this.started = true;
    }
  }
}
