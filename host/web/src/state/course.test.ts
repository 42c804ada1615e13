import { afterEach, expect, test, vi } from "vitest";
import { Course } from "./course";

const handlers: ((events: unknown[]) => void)[] = [];
vi.mock("./live", () => ({ onScriptEvents: (_: string, h: (events: unknown[]) => void) => (handlers.push(h), () => {}) }));
vi.mock("./scripts", () => ({ row: () => undefined }));
vi.mock("./pins", () => ({ pinsOf: () => [] }));
vi.mock("../api/session", () => ({ currentToken: () => "t", logOut: () => {} }));

afterEach(() => {
  vi.unstubAllGlobals();
  handlers.length = 0;
});

/** A host that answers when the test says so; requests that are given up fail. */
function host() {
  const asked: { path: string; answer: (body: unknown) => void }[] = [];
  vi.stubGlobal("fetch", (url: string, init?: RequestInit) =>
    new Promise<Response>((resolve, reject) => {
      init?.signal?.addEventListener("abort", () => reject(new DOMException("given up", "AbortError")));
      asked.push({ path: String(url), answer: (body) => resolve(new Response(JSON.stringify(body), { status: 200, headers: { "content-type": "application/json" } })) });
    }),
  );
  const answer = async (part: string, body: unknown) => {
    asked.findLast((a) => a.path.includes(part))!.answer(body);
    await new Promise((r) => setTimeout(r));
  };
  return { answer };
}

const at = (s: number) => new Date(s * 1000).toISOString();
const bucket = (s: number) => ({ first_step: s, last_step: s, first_time: at(s), last_time: at(s), count: 1, min: s, max: s, mean: s, first: s, last: s, nan: 0, inf: 0, neg_inf: 0 });
const sample = (s: number) => [{ kind: "samples", run: "r1", script: "trainer", data: { samples: [{ name: "loss", step: s, time: at(s), value: s, type: "float" }] } }];

test("what comes between two readings is in the chart, also where the first was given up", async () => {
  const { answer } = host();
  const course = new Course("trainer", "r1");
  const emit = (events: unknown[]) => handlers[0]!(events);
  void course.want("loss");
  emit(sample(1));
  void course.load(); // gives the first reading up
  emit(sample(2));
  await new Promise((r) => setTimeout(r));
  emit(sample(3)); // after the answer was made, before it is here
  await answer("/chart", { buckets: [bucket(1), bucket(2)] });
  expect(course.of("loss").pieces.map((p) => p.last)).toEqual([1, 2, 3]);
});

test("a result that comes while the run is read is newer than the answer", async () => {
  const { answer } = host();
  const course = new Course("trainer", "r1");
  void course.load();
  handlers[0]!([{ kind: "result", run: "r1", script: "trainer", time: at(5), data: { name: "accuracy", value: 0.9 } }]);
  await answer("/results", { run: "r1", script: "trainer", results: [{ name: "accuracy", value: 0.5, time: at(1) }] });
  await answer("/runs/r1", { changes: [], series: [] });
  expect(course.results.value).toMatchObject([{ name: "accuracy", value: 0.9 }]);
});
