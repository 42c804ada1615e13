// The operator's verbs. Each asks only when it destroys something: the run of
// a script that lives.
import { api, explain, type Verb } from "../api/client";
import { confirm } from "../components/dialog";
import { toast } from "../components/toast";
import { num } from "../lib/format";
import { row } from "./scripts";
import { lookOf } from "./states";

export interface Action {
  verb: Verb;
  label: string;
  icon: "play" | "stop" | "pause" | "restart";
}

const start: Action = { verb: "start", label: "Start", icon: "play" };
const stop: Action = { verb: "stop", label: "Stop", icon: "stop" };
const pause: Action = { verb: "pause", label: "Pause", icon: "pause" };
const resume: Action = { verb: "resume", label: "Resume", icon: "play" };
const restart: Action = { verb: "restart", label: "Restart", icon: "restart" };

/** What can be done to a script in a state, the likeliest first. */
export function actionsFor(state: string): Action[] {
  switch (state) {
    case "running":
    case "ready":
    case "stalled":
      return [pause, restart, stop];
    case "paused":
      return [resume, restart, stop];
    case "starting":
    case "stuck":
      return [restart, stop];
    case "stopping":
      return [];
    case "waiting":
    case "backoff":
      return [start, stop];
    default:
      return [start];
  }
}

/** Whether carrying it out ends a run that lives. */
export function destroys(verb: Verb, state: string): boolean {
  return (verb === "stop" || verb === "restart") && lookOf(state).live && state !== "stopping";
}

const done: Record<Verb, string> = { start: "started", stop: "stopped", pause: "paused", resume: "resumed", restart: "restarted" };

/** Carries a verb out, after a question where it destroys something. */
export async function act(script: string, verb: Verb): Promise<void> {
  const state = row(script)?.script.state ?? "";
  if (destroys(verb, state) && !(await confirm(`${verb === "stop" ? "Stop" : "Restart"} ${script}?`, loss(script, verb), verb === "stop" ? "Stop" : "Restart"))) return;
  try {
    await api.act(script, verb);
    toast(`${script} ${done[verb]}`);
  } catch (err) {
    toast(`${script} was not ${done[verb]}: ${explain(err)}`, "bad");
  }
}

function loss(script: string, verb: Verb): string {
  const step = row(script)?.script.step;
  const where = step === null || step === undefined ? "" : ` at step ${num(step)}`;
  return `This ends its run${where}. ${verb === "stop" ? "What it has reported is kept; the run itself cannot be resumed." : "What it has reported is kept; a new run begins from the start."}`;
}
