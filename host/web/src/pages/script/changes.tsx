// The history of a script's parameters: of this run, live, and of earlier ones.
import type { Change, ScriptChange } from "../../api/v1";
import { api, explain } from "../../api/client";
import { Button, Card, Empty, Failure } from "../../components/basics";
import { ChangeTable } from "../../components/changes";
import { value } from "../../lib/format";
import { useResource } from "../../lib/resource";
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
  const revert = (c: Change) =>
    c.old !== null && (
      <Button kind="quiet" icon="undo" title={`Set ${c.name} to ${value(c.old)}`} onClick={() => void set.set(c.name, { value: c.old })}>
        Revert
      </Button>
    );
  return <ChangeTable label={label} changes={changes} action={{ title: "Revert", of: revert }} />;
}
