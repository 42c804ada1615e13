// A real host with real scripts, in a folder of its own.
import { execFile, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const here = path.dirname(fileURLToPath(import.meta.url));
export const binary = path.resolve(here, "../../../bin/mlhost");
const run = promisify(execFile);

export class Lab {
  /** @param {string} source the folder with config.hcl, or one that the test filled */
  constructor(source = path.join(here, "lab")) {
    this.dir = mkdtempSync(path.join(tmpdir(), "mlhost-e2e-"));
    cpSync(source, path.join(this.dir, "lab"), { recursive: true });
    this.listen = "127.0.0.1:0";
    this.env = { ...process.env, MLHOST_STATE: path.join(this.dir, "state"), MLHOST_CONNECTOR_LISTEN: "", NO_COLOR: "1" };
  }

  /** Starts the host in the background, and returns when it answers. */
  async start() {
    this.child = spawn(binary, ["run", "config.hcl"], {
      cwd: path.join(this.dir, "lab"), env: { ...this.env, MLHOST_LISTEN: this.listen }, stdio: ["ignore", "pipe", "pipe"], detached: true,
    });
    this.output = "";
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on("data", (d) => (this.output += d));
    this.ended = new Promise((resolve) => this.child.on("exit", resolve));
    for (;;) {
      try {
        if (!this.listening()) throw new Error("it does not listen yet");
        const link = await this.link();
        // A host that comes back listens where it was.
        this.listen = new URL(link).host;
        return;
      } catch (err) {
        if (this.child.exitCode !== null) throw new Error(`the host ended: ${this.output}`);
        await new Promise((r) => setTimeout(r, 100));
      }
    }
  }

  /** Whether its socket is there: a look costs less than a command that asks. */
  listening() {
    const { MLHOST_STATE: state } = this.env;
    return existsSync(state) && readdirSync(state).some((name) => existsSync(path.join(state, name, "api.sock")));
  }

  /** Runs a command of mlhost. */
  async mlhost(...args) {
    const { stdout } = await run(binary, args, { env: this.env });
    return stdout;
  }

  async json(...args) {
    return JSON.parse(await this.mlhost(...args, "--json"));
  }

  /** A link that is good once. */
  async link() {
    return (await this.mlhost("ui", "--no-open")).trim();
  }

  get base() {
    return `http://${this.listen}`;
  }

  /** As kill -9 does: the scripts run on. */
  async kill() {
    this.child.kill("SIGKILL");
    await this.ended;
  }

  async close() {
    try {
      await this.mlhost("down");
    } catch {
      this.child?.kill("SIGKILL");
    }
    await this.ended;
    rmSync(this.dir, { recursive: true, force: true });
  }
}
