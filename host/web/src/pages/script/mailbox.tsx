// The messages that wait for a script, the oldest first.
import { useEffect } from "preact/hooks";
import { api, explain } from "../../api/client";
import { Card, Empty, Failure, Loading } from "../../components/basics";
import { full, when } from "../../lib/format";
import { useResource } from "../../lib/resource";
import { href } from "../../lib/router";
import { clean } from "../../lib/text";
import { onEvents } from "../../state/live";

export function MailboxPanel({ script }: { script: string }) {
  const found = useResource((stop) => api.mailbox(script, stop), [script]);
  const { reload } = found;
  useEffect(() => onEvents((events) => events.some((e) => e.kind === "message") && reload()), [reload]);
  const messages = found.data?.messages;
  return (
    <Card title={messages ? `Mailbox (${messages.length})` : "Mailbox"}>
      {!messages ? (
        found.error ? <Failure title="The mailbox could not be read" detail={explain(found.error)} onRetry={reload} /> : <Loading rows={4} />
      ) : messages.length === 0 ? (
        <Empty icon="check" title="No message waits">
          What other scripts tell {script} is kept here until it has taken it.
        </Empty>
      ) : (
        <ul class="mail">
          {messages.map((m) => (
            <li key={m.id}>
              <p class="spread">
                <a href={href("script", [m.source])}>{m.source}</a>
                <span class="tag">{clean(m.topic)}</span>
                <time class="faint small" title={full(m.time)}>
                  {when(m.time)}
                </time>
              </p>
              <pre>{JSON.stringify(m.data, null, 2)}</pre>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
