// A wire between a browser and a host that can be slow, and can be cut.
import net from "node:net";

export class Wire {
  constructor(lab) {
    this.lab = lab;
    this.pairs = new Set();
    this.held = false;
    this.server = net.createServer((near) => {
      if (this.broken) {
        near.destroy();
        return;
      }
      const far = net.connect(Number(new URL(lab.base).port), "127.0.0.1");
      const pair = { near, far };
      this.pairs.add(pair);
      for (const [one, other] of [[near, far], [far, near]]) {
        one.on("data", (part) => other.write(part));
        one.on("error", () => {}); // the other end is told below
        one.on("close", () => {
          this.pairs.delete(pair);
          other.destroy();
        });
      }
      if (this.held) far.pause();
    });
  }

  async open() {
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get base() {
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  /** A link that leads over this wire. */
  async link() {
    return this.base + new URL(await this.lab.link()).href.slice(this.lab.base.length);
  }

  /** Nothing of what the host sends is taken any more. */
  hold() {
    this.held = true;
    for (const { far } of this.pairs) far.pause();
  }

  release() {
    this.held = false;
    for (const { far } of this.pairs) far.resume();
  }

  cut() {
    this.broken = true;
    for (const { near, far } of this.pairs) for (const end of [near, far]) end.destroy();
  }

  mend() {
    this.broken = false;
  }

  close() {
    this.cut();
    this.server.close();
  }
}
