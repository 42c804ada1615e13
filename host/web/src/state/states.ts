// What the states of a script look like, and which of them want a person most.

export type Tone = "bad" | "warn" | "wait" | "good" | "calm" | "rest";
export type Shape = "cross" | "bang" | "clock" | "dots" | "play" | "pause" | "check" | "stop" | "question";

export interface Look {
  tone: Tone;
  shape: Shape;
  /** 0 is what should be seen first. */
  rank: number;
  /** Whether there is a process. */
  live: boolean;
}

export const looks: Record<string, Look> = {
  failed: { tone: "bad", shape: "cross", rank: 0, live: false },
  lost: { tone: "bad", shape: "question", rank: 1, live: false },
  stuck: { tone: "bad", shape: "bang", rank: 2, live: true },
  stalled: { tone: "warn", shape: "bang", rank: 3, live: true },
  backoff: { tone: "warn", shape: "clock", rank: 4, live: false },
  stopping: { tone: "warn", shape: "dots", rank: 5, live: true },
  waiting: { tone: "wait", shape: "clock", rank: 6, live: false },
  paused: { tone: "wait", shape: "pause", rank: 7, live: true },
  starting: { tone: "wait", shape: "dots", rank: 8, live: true },
  ready: { tone: "good", shape: "dots", rank: 9, live: true },
  running: { tone: "good", shape: "play", rank: 10, live: true },
  finished: { tone: "calm", shape: "check", rank: 11, live: false },
  stopped: { tone: "rest", shape: "stop", rank: 12, live: false },
};

const unknown: Look = { tone: "rest", shape: "question", rank: 13, live: false };

export function lookOf(state: string): Look {
  return looks[state] ?? unknown;
}

/** The groups of the health strip. */
export const groups = [
  { id: "running", label: "Running", states: ["running", "ready", "starting"], shape: "play", tone: "good" },
  { id: "waiting", label: "Waiting", states: ["waiting", "paused", "backoff", "stopping"], shape: "clock", tone: "wait" },
  { id: "stalled", label: "Stalled", states: ["stalled", "stuck"], shape: "bang", tone: "warn" },
  { id: "failed", label: "Failed", states: ["failed", "lost"], shape: "cross", tone: "bad" },
  { id: "done", label: "At rest", states: ["finished", "stopped"], shape: "check", tone: "calm" },
] as const satisfies readonly { id: string; label: string; states: readonly string[]; shape: Shape; tone: Tone }[];

export type GroupID = (typeof groups)[number]["id"];

export function groupOf(state: string): GroupID {
  return groups.find((g) => (g.states as readonly string[]).includes(state))?.id ?? "done";
}

/** How many scripts are in each group. */
export function count(states: Iterable<string>): Record<GroupID, number> {
  const out = { running: 0, waiting: 0, stalled: 0, failed: 0, done: 0 };
  for (const s of states) out[groupOf(s)]++;
  return out;
}
