// The files that a run has left behind. The token rides in a header, so a file
// is read first and then handed to the browser.
import { useSignal } from "@preact/signals";
import { api, explain } from "../api/client";
import type { Artifact } from "../api/v1";
import { bytes } from "../lib/format";
import { clean } from "../lib/text";
import { Card, Empty, IconButton } from "./basics";
import { toast } from "./toast";

/** What a tab can hold; larger files are copied by their path. */
const most = 512 * 1024 * 1024;

export function Artifacts({ run, list, live }: { run: string; list: readonly Artifact[]; live: boolean }) {
  return (
    <Card title="Artifacts">
      {list.length === 0 ? (
        <Empty icon="table" title={live ? "No files yet" : "This run left no files"}>
          Files that a script writes in its directory are found by themselves: checkpoints, models, tables, images.
        </Empty>
      ) : (
        <div class="scroll-x" tabIndex={0} role="group" aria-label="Artifacts">
          <table class="plain" aria-label="Artifacts">
            <thead>
              <tr>
                <th scope="col">File</th>
                <th scope="col">Kind</th>
                <th scope="col" class="num">
                  Size
                </th>
                <th scope="col">SHA-256</th>
                <th scope="col">
                  <span class="sr">Download</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {list.map((a) => (
                <One key={a.path} run={run} a={a} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}

function One({ run, a }: { run: string; a: Artifact }) {
  const busy = useSignal(false);
  const name = a.path.split("/").at(-1) ?? a.path;
  const save = async () => {
    busy.value = true;
    try {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await api.artifact(run, a.path));
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    } catch (err) {
      toast(`${name} was not read: ${explain(err)}`, "bad");
    } finally {
      busy.value = false;
    }
  };
  return (
    <tr>
      <td class="mono wrap">{clean(a.path)}</td>
      <td>{a.kind}</td>
      <td class="num nowrap">{bytes(a.size)}</td>
      <td class="mono" title={a.sha256}>
        {a.sha256.slice(0, 12)}
      </td>
      <td>
        {a.size > most ? (
          <span class="small muted">too large for a browser: copy it by its path</span>
        ) : (
          <IconButton icon="down" label={`Download ${clean(name)}`} busy={busy.value} onClick={() => void save()} />
        )}
      </td>
    </tr>
  );
}
