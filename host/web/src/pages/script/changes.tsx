// The history of a script's parameters: of this run, live, and of earlier ones.
import type { Change, ScriptChange } from "../../api/v1";
import { api, explain } from "../../api/client";
import { Button, Card, Empty, Failure } from "../../components/basics";
import { author, full, num, value, when } from "../../lib/format";
import { useResource } from "../../lib/resource";
import { href } from "../../lib/router";
import type { ParameterSet } from "../../state/parameters";

const most = 500;

export function ChangesPanel({ script, run, set, changes }: { script: string; run: string; set: ParameterSet; changes: readonly Change[] }) {
  const earlier = useResource((s) => api.changes(script, most, s), [script, run]);
  const old = (earlier.data?.changes ?? []).filter((c) => c.run !== run);
  return (
    <div class="stack">
      <Card title="Changes in this run">
        {changes.length === 0 ? (
          <Empty icon="clock" title="Nothing was changed yet">
            Each change stands here with who made it and at which step.
          </Empty>
        ) : (
          <Rows label="Changes in this run" changes={[...changes].reverse()} set={set} />
        )}
      </Card>
      {earlier.error !== undefined && <Failure title="Earlier changes could not be read" detail={explain(earlier.error)} onRetry={earlier.reload} />}
      {old.length > 0 && (
        <Card title="Changes in earlier runs">
          <Rows label="Changes in earlier runs" changes={old} set={set} />
        </Card>
      )}
    </div>
  );
}

/** The newest first, each with a way back. */
function Rows({ label, changes, set }: { label: string; changes: readonly (Change | ScriptChange)[]; set: ParameterSet }) {
  const withRun = changes.some((c) => "run" in c);
  return (
    <div class="scroll-x" tabIndex={0} role="region" aria-label={label}>
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">Time</th>
            {withRun && <th scope="col">Run</th>}
            <th scope="col" class="num">
              Step
            </th>
            <th scope="col">Parameter</th>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">By</th>
            <th scope="col">Status</th>
            <th scope="col">
              <span class="sr">Revert</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {changes.map((c, i) => (
            <tr key={`${c.time} ${c.name} ${c.status} ${i}`}>
              <td class="nowrap" title={full(c.time)}>
                {when(c.time)}
              </td>
              {withRun && (
                <td>
                  {"run" in c && (
                    <a class="mono" href={href("runs", [c.run])}>
                      {c.run}
                    </a>
                  )}
                </td>
              )}
              <td class="num">{num(c.step)}</td>
              <td>{c.name}</td>
              <td class="mono">{value(c.old)}</td>
              <td class="mono">{value(c.new)}</td>
              <td>{author(c.author)}</td>
              <td>{c.status.replace("_", " ")}</td>
              <td>
                {c.old !== null && (
                  <Button kind="quiet" icon="undo" title={`Set ${c.name} to ${value(c.old)}`} onClick={() => void set.set(c.name, { value: c.old })}>
                    Revert
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
