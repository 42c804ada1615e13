// Finds the median petal length by stochastic steps. Speaks mlhost's line
// protocol, so its parameter can be changed while it runs.
import { readFileSync } from "node:fs";
import { Socket } from "node:net";

const lengths = readFileSync("../data/iris.csv", "utf8").trim().split("\n").slice(1).map((line) => Number(line.split(",")[2]));
let rate = 0.1;
const host = new Socket({ fd: Number(process.env.MLHOST_FD), readable: true, writable: true });
const send = (message) => host.write(JSON.stringify(message) + "\n");

let read = "";
host.on("data", (data) => {
  const lines = (read += data).split("\n");
  read = lines.pop();
  lines.map((line) => JSON.parse(line)).forEach(receive);
});

let step = 0;
let stopped = false;

function receive(message) {
  if (message.op === "start") {
    rate = message.parameters.rate ?? rate;
    send({ op: "parameter", name: "rate", type: "float", default: 0.1, value: rate, min: 0, mutability: "live" });
    send({ op: "variable", name: "median", value: 0 });
    work();
  }
  if (message.op === "set") {
    const outcome = { name: "rate", status: "applied", old: rate, value: message.values.rate, step };
    rate = message.values.rate;
    send({ op: "done", id: message.id, outcomes: [outcome] });
  }
  if (message.op === "stop") {
    stopped = true;
    send({ op: "done", id: message.id, outcomes: [] });
  }
}

let guess = 0;

function work() {
  const length = lengths[(step * 61) % lengths.length];
  guess += (rate / (1 + step / 500)) * Math.sign(length - guess);
  step++;
  if (step % 100 === 0) {
    send({ op: "samples", samples: [["median", step, Date.now() / 1000, guess]] });
    send({ op: "step", step });
  }
  if (!stopped && step < 20000) {
    setImmediate(work); // between two steps the host is heard
    return;
  }
  send({ op: "result", name: "median", value: guess });
  host.end();
}
