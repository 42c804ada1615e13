// What happened, in words: events as a person would tell them.
import type {
  BinaryData, CheckpointData, Event, GapData, MessageData, NotifiedData, ObservedData, OwnerData, ParametersData, ResultData, RouteData, RunData, StateData, WarningData,
} from "../api/v1";
import { author, num, value } from "../lib/format";
import { lookOf, type Tone } from "./states";

export interface Told {
  tone: Tone;
  icon: "play" | "check" | "cross" | "bang" | "clock" | "dots" | "pause" | "stop" | "question" | "sort" | "link" | "alert" | "info" | "restart" | "chart";
  text: string;
  /** What belongs to it and may be long. */
  more?: string;
}

/** The kinds that a timeline is made of, in the groups that can be chosen. */
export const chapters = [
  { id: "", label: "All", kinds: ["state", "run", "parameters", "observed", "owner", "route", "warning", "notified", "result", "checkpoint", "binary", "gap", "message"] },
  { id: "states", label: "States", kinds: ["state", "run", "binary", "checkpoint"] },
  { id: "changes", label: "Changes", kinds: ["parameters", "observed", "owner", "route"] },
  { id: "messages", label: "Messages", kinds: ["message", "notified"] },
  { id: "warnings", label: "Warnings", kinds: ["warning", "gap"] },
] as const;

export type ChapterID = (typeof chapters)[number]["id"];

/** Tells an event; null: it is not worth a line. */
export function tell(event: Event): Told | null {
  const teller = tellers[event.kind];
  return teller ? teller(event.data as never) : null;
}

const step = (n: number | null) => (n === null || n < 0 ? "" : ` at step ${num(n)}`);

const tellers: Record<string, (data: never) => Told | null> = {
  state(d: StateData) {
    const look = lookOf(d.state);
    return { tone: look.tone, icon: look.shape, text: d.state, more: [d.reason, d.exit_code !== null && d.exit_code !== 0 && !d.reason.includes("exit code") ? `exit code ${d.exit_code}` : ""].filter(Boolean).join(" · ") };
  },
  run(d: RunData) {
    return { tone: "calm", icon: "play", text: d.attempt > 0 ? `began a new run, restart ${d.attempt}` : "began a run", more: d.command.join(" ") };
  },
  binary(d: BinaryData) {
    return { tone: "calm", icon: "restart", text: `reloaded: binary ${d.sha256.slice(0, 12)}${step(d.from_step)}` };
  },
  parameters(d: ParametersData) {
    const one = (c: ParametersData["changes"][number]) => `${c.name} ${value(c.old)} → ${value(c.new)}${c.status === "applied" ? "" : ` (${c.status.replace("_", " ")})`}`;
    const at = d.changes[0]?.step ?? null;
    return { tone: "good", icon: "sort", text: `${d.changes.map(one).join(", ")}${step(at)}`, more: `by ${author(d.author)}` };
  },
  observed(d: ObservedData) {
    return d.overwritten
      ? { tone: "warn", icon: "sort", text: `the script has put ${d.name} back to ${value(d.value)}${step(d.step)}` }
      : { tone: "good", icon: "check", text: `${d.name} is ${value(d.value)}${step(d.step)}` };
  },
  owner(d: OwnerData) {
    return { tone: "calm", icon: "link", text: d.owner ? `${d.name} is moved by ${author(d.owner)} from now on` : `${d.name} is moved by nobody from now on` };
  },
  route(d: RouteData) {
    return d.problem
      ? { tone: "warn", icon: "alert", text: `route ${d.route} could not set ${d.target}`, more: d.problem }
      : { tone: "good", icon: "link", text: `route ${d.route} fired: ${d.target} is ${value(d.value)}` };
  },
  warning(d: WarningData) {
    return { tone: "warn", icon: "alert", text: d.text };
  },
  gap(d: GapData) {
    return { tone: "warn", icon: "alert", text: d.dropped === null ? "something is missing here" : `${num(d.dropped)} events are missing here`, more: d.reason };
  },
  notified(d: NotifiedData) {
    return { tone: "calm", icon: "info", text: d.event, more: d.data === null ? "" : value(d.data) };
  },
  result(d: ResultData) {
    return { tone: "calm", icon: "chart", text: `result ${d.name} = ${value(d.value)}` };
  },
  checkpoint(d: CheckpointData) {
    return { tone: "calm", icon: "check", text: `checkpoint${step(d.step)}`, more: d.path };
  },
  message(d: MessageData) {
    const many = d.count > 1 ? `${num(d.count)} messages` : d.kind;
    const text = `${many} of ${d.source} to ${d.target || "everybody"}: ${d.topic}`;
    return d.problem || d.code ? { tone: "bad", icon: "link", text, more: d.problem || d.code } : { tone: "rest", icon: "link", text };
  },
};

/** Puts what came live before what was read, each event once, newest first. */
export function join(live: readonly Event[], read: readonly Event[]): Event[] {
  const newest = read[0]?.id ?? 0;
  return [...live.filter((e) => e.id > newest).sort((a, b) => b.id - a.id), ...read];
}

/** Cuts a list into days, each with its first event's time. */
export function days(events: readonly Event[]): { day: string; events: Event[] }[] {
  const out: { day: string; events: Event[] }[] = [];
  for (const e of events) {
    const day = new Date(e.time).toDateString();
    if (out.at(-1)?.day !== day) out.push({ day, events: [] });
    out.at(-1)!.events.push(e);
  }
  return out;
}
