import type { Result, Value } from "../../api/v1";
import { Card, Empty } from "../../components/basics";
import { full, num, toNumber, when } from "../../lib/format";
import { clean } from "../../lib/text";

/** The named final values of a run. */
export function ResultsPanel({ results, live }: { results: readonly Result[]; live: boolean }) {
  return (
    <Card title="Results">
      {results.length === 0 ? (
        <Empty icon="check" title={live ? "No results yet" : "This run left no results"}>
          A script gives them with <code>mlhost.result(accuracy=…)</code>.
        </Empty>
      ) : (
        <dl class="results">
          {results.map((r) => (
            <div key={r.name}>
              <dt title={full(r.time)}>
                {clean(r.name)} <span class="faint small">{when(r.time)}</span>
              </dt>
              <dd>
                <One value={r.value} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </Card>
  );
}

function One({ value }: { value: Value }) {
  const n = toNumber(value);
  if (n !== null && typeof value !== "boolean") return <span class="result-number">{num(n, 6)}</span>;
  if (typeof value === "object" && value !== null) return <pre>{JSON.stringify(value, null, Array.isArray(value) ? 0 : 2)}</pre>;
  return <span>{clean(String(value))}</span>;
}
