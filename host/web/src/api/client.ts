// Requests to the host. A refusal is an ApiError with the host's own words.
import { currentToken, logOut } from "./session";
import type {
  Acted, Chart, Checks, Comparison, History, Host, Log, LogPage, Mailbox, Outcomes, Overview, Parameters, Plan, Problem, Results, Routes, RunDetail, Runs, RunText,
  Samples, Script, ScriptChanges, Set as SetRequest, Topics, Variables,
} from "./v1";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Partial<Problem>,
  ) {
    super(problem.message ?? problem.detail ?? `the host answered ${status}`);
  }
  get hint(): string {
    return this.problem.hint ?? "";
  }
  /** What became of each value of a set that was refused. */
  get rejected(): Outcomes | undefined {
    return this.problem.rejected;
  }
}

/** Words for people, whatever was thrown. */
export function explain(err: unknown): string {
  if (err instanceof ApiError) return err.hint ? `${err.message} (${err.hint})` : err.message;
  if (err instanceof TypeError) return "The host did not answer.";
  return err instanceof Error ? err.message : String(err);
}

export function isAbort(err: unknown): boolean {
  return err instanceof DOMException && err.name === "AbortError";
}

async function send(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { Authorization: `Bearer ${currentToken()}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body === undefined ? null : JSON.stringify(body), signal: signal ?? null, cache: "no-store" });
  if (answer.ok) return answer;
  let problem: Partial<Problem> = {};
  try {
    problem = (await answer.json()) as Problem;
  } catch {
    // not one of ours: the status has to do
  }
  if (answer.status === 401) logOut("This tab is not logged in any more.");
  throw new ApiError(answer.status, problem);
}

export async function request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  return (await (await send(method, path, body, signal)).json()) as T;
}

const get = <T>(path: string, signal?: AbortSignal) => request<T>("GET", path, undefined, signal);
const e = encodeURIComponent;

/** Writes a query; what is undefined is left out, a list is repeated. */
export function query(q: Record<string, string | number | boolean | readonly string[] | undefined>): string {
  const out = new URLSearchParams();
  for (const [key, v] of Object.entries(q)) {
    if (v === undefined || v === "") continue;
    for (const one of Array.isArray(v) ? (v as string[]) : [v]) out.append(key, String(one));
  }
  const text = out.toString();
  return text ? `?${text}` : "";
}

/** A part of a chart: between steps, or between times. */
export interface ChartRange {
  from_step?: number;
  to_step?: number;
  since?: string;
  until?: string;
}

export type Verb = "start" | "stop" | "pause" | "resume" | "restart";

export const api = {
  host: (s?: AbortSignal) => get<Host>("/api/v1/host", s),
  findings: (s?: AbortSignal) => get<Checks>("/api/v1/findings", s),
  overview: (s?: AbortSignal) => get<Overview>("/api/v1/overview?variables=8", s),
  script: (name: string, s?: AbortSignal) => get<Script>(`/api/v1/scripts/${e(name)}`, s),
  act: (name: string, verb: Verb) => request<Acted>("POST", `/api/v1/scripts/${e(name)}/${verb}`, {}),
  reload: (name: string, now = false) => request<Acted>("POST", `/api/v1/scripts/${e(name)}/reload${query({ now: now || undefined })}`, {}),
  parameters: (name: string, s?: AbortSignal) => get<Parameters>(`/api/v1/scripts/${e(name)}/parameters`, s),
  set: (name: string, body: SetRequest) => request<Outcomes>("PATCH", `/api/v1/scripts/${e(name)}/parameters`, body),
  setVariables: (name: string, body: SetRequest) => request<Outcomes>("PATCH", `/api/v1/scripts/${e(name)}/variables`, body),
  changes: (name: string, limit: number, s?: AbortSignal) => get<ScriptChanges>(`/api/v1/scripts/${e(name)}/changes${query({ limit })}`, s),
  release: (name: string, parameter: string) => request<Acted>("DELETE", `/api/v1/scripts/${e(name)}/parameters/${e(parameter)}/owner`),
  variables: (name: string, s?: AbortSignal) => get<Variables>(`/api/v1/scripts/${e(name)}/variables`, s),
  results: (name: string, s?: AbortSignal) => get<Results>(`/api/v1/scripts/${e(name)}/results`, s),
  mailbox: (name: string, s?: AbortSignal) => get<Mailbox>(`/api/v1/scripts/${e(name)}/mailbox`, s),
  runs: (q: { script?: string; state?: string; limit?: number; search?: string; before?: string } = {}, s?: AbortSignal) => get<Runs>(`/api/v1/runs${query(q)}`, s),
  run: (id: string, s?: AbortSignal) => get<RunDetail>(`/api/v1/runs/${e(id)}`, s),
  /** A name may be one that no path holds. */
  chart: (run: string, name: string, points: number, s?: AbortSignal, range: ChartRange = {}) =>
    get<Chart>(`/api/v1/runs/${e(run)}/chart${query({ name, points, ...range })}`, s),
  samples: (run: string, name: string, after: number, limit: number, s?: AbortSignal) =>
    get<Samples>(`/api/v1/runs/${e(run)}/samples${query({ name, after, limit })}`, s),
  compare: (runs: readonly string[], s?: AbortSignal) => get<Comparison>(`/api/v1/compare${query({ run: runs })}`, s),
  artifact: async (run: string, path: string, s?: AbortSignal): Promise<Blob> => (await send("GET", `/api/v1/runs/${e(run)}/artifacts/file${query({ path })}`, undefined, s)).blob(),
  routes: (s?: AbortSignal) => get<Routes>("/api/v1/routes", s),
  topics: (s?: AbortSignal) => get<Topics>("/api/v1/topics", s),
  history: (q: { before?: number; after?: number; limit?: number; script?: readonly string[]; kind?: readonly string[] }, s?: AbortSignal) => get<History>(`/api/v1/events/history${query(q)}`, s),
  doctor: (s?: AbortSignal) => get<Checks>("/api/v1/doctor", s),
  plan: (s?: AbortSignal) => get<Plan>("/api/v1/plan", s),
  text: (run: string, name: string, s?: AbortSignal) => get<RunText>(`/api/v1/runs/${e(run)}/texts/${e(name)}`, s),
  logPage: (name: string, q: { around?: string; before?: string; after?: string; limit?: number; level?: string; stream?: string; search?: string }, s?: AbortSignal) =>
    get<LogPage>(`/api/v1/scripts/${e(name)}/logs/page${query(q)}`, s),
  logs: async (name: string, q: { run?: string; stream?: string; tail?: number }, s?: AbortSignal): Promise<Log[]> => {
    const answer = await send("GET", `/api/v1/scripts/${e(name)}/logs${query(q)}`, undefined, s);
    return parseLines<Log>(await answer.text());
  },
};

/** Reads JSON lines; a line that was cut off is passed over. */
export function parseLines<T>(text: string): T[] {
  const out: T[] = [];
  for (const line of text.split("\n")) {
    if (!line) continue;
    try {
      out.push(JSON.parse(line) as T);
    } catch {
      // the connection ended within it
    }
  }
  return out;
}
