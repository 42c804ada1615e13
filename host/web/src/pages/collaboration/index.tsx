// How scripts work together: the graph, what each route has done and why not,
// who may be asked what, and what was sent.
import { useEffect, useRef } from "preact/hooks";
import { api, explain } from "../../api/client";
import type { Routes, Topics } from "../../api/v1";
import { Card, Empty, Failure, Loading } from "../../components/basics";
import { full, num, rate, when } from "../../lib/format";
import { useResource } from "../../lib/resource";
import { href } from "../../lib/router";
import { clean } from "../../lib/text";
import { countsOf, linksOf, rateOf, trafficKey, type Look } from "../../state/collaboration";
import { onEvents } from "../../state/live";
import { Graph, mostNodes } from "./graph";
import { RouteList } from "./routes";

const calm = 2000; // milliseconds between two looks while something happens
const kinds = new Set(["message", "route", "owner", "described", "state"]);

interface Seen {
  routes: Routes;
  topics: Topics;
  at: number;
  before: Look | null;
}

export function CollaborationPage() {
  const last = useRef<Look | null>(null);
  const found = useResource<Seen>(async (stop) => {
    const [routes, topics] = await Promise.all([api.routes(stop), api.topics(stop)]);
    const at = Date.now();
    const before = last.current;
    last.current = { at, counts: countsOf(routes, topics) };
    return { routes, topics, at, before };
  }, []);
  const { reload } = found;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const leave = onEvents((events) => {
      if (!events.some((e) => kinds.has(e.kind))) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        reload();
      }, calm);
    });
    return () => {
      leave();
      clearTimeout(timer);
    };
  }, [reload]);
  if (!found.data) {
    return found.error ? <Failure title="The routes could not be read" detail={explain(found.error)} onRetry={reload} /> : <Loading rows={8} label="Reading the routes" />;
  }
  return <Known seen={found.data} />;
}

function Known({ seen }: { seen: Seen }) {
  const { routes, topics } = seen;
  const links = linksOf(routes, topics, seen.before, seen.at);
  const nodes = new Set(links.flatMap((l) => [l.from, l.to])).size;
  return (
    <div class="page-body">
      <h1 class="sr">Collaboration</h1>
      <Card class="graph-card" title="Who works with whom" actions={<Legend />}>
        {links.length === 0 ? (
          <Empty icon="link" title="Nothing connects the scripts yet">
            A <code>route</code> in the configuration moves a parameter by a variable, or takes messages of a topic to scripts. Messages that scripts send show here by themselves.
          </Empty>
        ) : nodes > mostNodes ? (
          <p class="card-body muted">{num(nodes)} scripts are too many for a drawing; the lists below have them all.</p>
        ) : (
          <Graph links={links} />
        )}
      </Card>
      <RouteList routes={routes} />
      <Traffic seen={seen} />
      <Answers topics={topics} />
    </div>
  );
}

function Legend() {
  return (
    <ul class="graph-legend small muted">
      {([["route", "moves a parameter"], ["topic", "takes a topic"], ["message", "has sent"]] as const).map(([kind, text]) => (
        <li key={kind}>
          <svg width="26" height="8" aria-hidden="true" class={`way ${kind}`}>
            <path d="M1 4h24" class="line" />
          </svg>
          {text}
        </li>
      ))}
    </ul>
  );
}

function Traffic({ seen }: { seen: Seen }) {
  const all = [...seen.topics.traffic].sort((a, b) => b.last.localeCompare(a.last));
  return (
    <Card title="Messages since the host began">
      {all.length === 0 ? (
        <Empty icon="link" title="No message yet" />
      ) : (
        <div class="scroll-x" tabIndex={0} role="group" aria-label="Messages since the host began">
          <table class="plain" aria-label="Messages since the host began">
            <thead>
              <tr>
                {["From", "To", "Topic", "Kind"].map((t) => (
                  <th scope="col" key={t}>
                    {t}
                  </th>
                ))}
                {["Count", "Rate", "Failed"].map((t) => (
                  <th scope="col" class="num" key={t}>
                    {t}
                  </th>
                ))}
                <th scope="col">Last</th>
                <th scope="col">Last problem</th>
              </tr>
            </thead>
            <tbody>
              {all.map((t) => (
                <tr key={trafficKey(t)}>
                  <td>{clean(t.source)}</td>
                  <td>{clean(t.target) || "everybody"}</td>
                  <td>{clean(t.topic)}</td>
                  <td>{t.kind}</td>
                  <td class="num">{num(t.count)}</td>
                  <td class="num">{rate(rateOf(trafficKey(t), t.count, seen.before, seen.at))}</td>
                  <td class={`num ${t.failed > 0 ? "tone-bad-text" : ""}`}>{num(t.failed)}</td>
                  <td class="nowrap" title={full(t.last)}>
                    {when(t.last)}
                  </td>
                  <td class="wrap">{clean(t.problem)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}

function Answers({ topics }: { topics: Topics }) {
  if (topics.topics.length === 0) return null;
  return (
    <Card title="What scripts can be asked and told">
      <div class="scroll-x" tabIndex={0} role="group" aria-label="What scripts can be asked and told">
        <table class="plain" aria-label="What scripts can be asked and told">
          <thead>
            <tr>
              <th scope="col">Script</th>
              <th scope="col">Topic</th>
              <th scope="col">Answers</th>
              <th scope="col">What it is</th>
            </tr>
          </thead>
          <tbody>
            {topics.topics.map((t) => (
              <tr key={`${t.script} ${t.name}`}>
                <td>
                  <a href={href("script", [t.script])}>{t.script}</a>
                </td>
                <td>{clean(t.name)}</td>
                <td>{t.answers ? "yes" : "takes it"}</td>
                <td class="wrap">{clean(t.doc)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}
