// Changes of parameters as a table, in the order in which they are given.
import type { ComponentChildren } from "preact";
import type { Change } from "../api/v1";
import { author, full, num, value, when } from "../lib/format";
import { href } from "../lib/router";
import { clean } from "../lib/text";

type Row = Change & { run?: string };

interface ChangeTableProps {
  changes: readonly Row[];
  label: string;
  /** What can be done with a change, and the word that names it. */
  action?: { title: string; of: (change: Row) => ComponentChildren };
}

export function ChangeTable({ changes, label, action }: ChangeTableProps) {
  const runs = changes.some((c) => c.run);
  return (
    <div class="scroll-x" tabIndex={0} role="group" aria-label={label}>
      <table class="plain" aria-label={label}>
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
            {action && (
              <th scope="col">
                <span class="sr">{action.title}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {changes.map((c, i) => (
            <tr key={`${c.time} ${c.name} ${c.status} ${i}`}>
              <td class="nowrap" title={full(c.time)}>
                {when(c.time)}
              </td>
              {runs && (
                <td>
                  {c.run && (
                    <a class="mono" href={href("runs", [c.run])}>
                      {c.run}
                    </a>
                  )}
                </td>
              )}
              <td class="num">{num(c.step)}</td>
              <td>{clean(c.name)}</td>
              <td class="mono">{clean(value(c.old))}</td>
              <td class="mono">{clean(value(c.new))}</td>
              <td>{clean(author(c.author))}</td>
              <td>{c.status.replace("_", " ")}</td>
              {action && <td>{action.of(c)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
