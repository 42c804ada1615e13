// A text that is kept of a run, read when somebody opens it.
import { useState } from "preact/hooks";
import { api, explain } from "../api/client";
import { useResource } from "../lib/resource";
import { Failure, Loading } from "./basics";

const titles: Record<string, string> = { source: "Source", diff: "Uncommitted changes" };

export function KeptText({ run, name }: { run: string; name: string }) {
  const [open, setOpen] = useState(false);
  return (
    <details class="fold" onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>{titles[name] ?? name}</summary>
      {open && <Text run={run} name={name} />}
    </details>
  );
}

function Text({ run, name }: { run: string; name: string }) {
  const found = useResource((stop) => api.text(run, name, stop), [run, name]);
  if (!found.data) return found.error ? <Failure title="It could not be read" detail={explain(found.error)} onRetry={found.reload} /> : <Loading rows={5} />;
  return (
    <pre class="kept-text" tabIndex={0} role="region" aria-label={titles[name] ?? name}>
      {found.data.text}
    </pre>
  );
}
