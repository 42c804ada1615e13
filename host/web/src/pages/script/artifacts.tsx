// The files of a script's present run, or of its last.
import { useEffect } from "preact/hooks";
import { api, explain } from "../../api/client";
import { Artifacts } from "../../components/artifacts";
import { Card, Empty, Failure, Loading } from "../../components/basics";
import { useResource } from "../../lib/resource";
import { onScriptEvents } from "../../state/live";

export function ArtifactsPanel({ script, run, live }: { script: string; run: string; live: boolean }) {
  const found = useResource(async (stop) => (run ? (await api.run(run, stop)).artifacts : []), [run]);
  const { reload } = found;
  useEffect(() => onScriptEvents(script, (events) => events.some((e) => e.kind === "artifact" || e.kind === "checkpoint") && reload()), [script, reload]);
  if (!run) {
    return (
      <Card title="Artifacts">
        <Empty icon="table" title="This script has not run yet" />
      </Card>
    );
  }
  if (!found.data) return found.error ? <Failure title="The files could not be listed" detail={explain(found.error)} onRetry={reload} /> : <Loading rows={4} />;
  return <Artifacts run={run} list={found.data} live={live} />;
}
