// Changes of parameters as a table, the newest first.
import type { Change } from "../api/v1";
import { author, full, num, value, when } from "../lib/format";
import { clean } from "../lib/text";
import { Empty } from "./basics";

export function ChangeTable({ changes, label = "Changes in this run" }: { changes: readonly (Change & { run?: string })[]; label?: string }) {
  if (changes.length === 0) return <Empty icon="clock" title="Nothing was changed" />;
  const runs = changes.some((c) => c.run);
  return (
    <div class="scroll-x" tabIndex={0} role="region" aria-label={label}>
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">Time</th>
            {runs && <th scope="col">Run</th>}
            <th scope="col" class="num">
              Step
            </th>
            <th scope="col">Parameter</th>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">By</th>
            <th scope="col">Status</th>
          </tr>
        </thead>
        <tbody>
          {[...changes].reverse().map((c, i) => (
            <tr key={`${c.run} ${c.revision} ${c.name} ${i}`}>
              <td class="nowrap" title={full(c.time)}>
                {when(c.time)}
              </td>
              {runs && <td class="mono">{c.run}</td>}
              <td class="num">{num(c.step)}</td>
              <td>{clean(c.name)}</td>
              <td class="mono">{clean(value(c.old))}</td>
              <td class="mono">{clean(value(c.new))}</td>
              <td>{clean(author(c.author))}</td>
              <td>{c.status.replace("_", " ")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
