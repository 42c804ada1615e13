// How the host itself does: what the doctor finds, and what the configuration
// would change.
import { useEffect } from "preact/hooks";
import { api, explain } from "../api/client";
import type { Check, PlannedChange } from "../api/v1";
import { Button, Card, Fact, Failure, Loading } from "../components/basics";
import { Icon } from "../components/icon";
import { now } from "../lib/clock";
import { duration, full, value } from "../lib/format";
import { useResource } from "../lib/resource";
import { clean } from "../lib/text";
import { host } from "../state/scripts";

const order = ["fail", "warn", "ok", "skip"];
const looks: Record<string, { tone: string; icon: "cross" | "alert" | "check" | "clock"; word: string }> = {
  fail: { tone: "bad", icon: "cross", word: "fails" },
  warn: { tone: "warn", icon: "alert", word: "look at it" },
  ok: { tone: "good", icon: "check", word: "ok" },
  skip: { tone: "rest", icon: "clock", word: "skipped" },
};

export function DiagnosticsPage() {
  return (
    <div class="page-body">
      <h1 class="sr">Diagnostics</h1>
      <About />
      <Doctor />
      <Planned />
    </div>
  );
}

function About() {
  const h = host.value;
  if (!h) return null;
  return (
    <Card title={`Host ${h.name}`}>
      <dl class="facts card-body">
        <Fact label="Version">{h.version}</Fact>
        <Fact label="Process">{h.pid}</Fact>
        <Fact label="Up for" title={full(h.started)}>
          {duration((now.value - Date.parse(h.started)) / 1000)}
        </Fact>
        <Fact label="Dashboard and API">{h.listen.http || "unix socket only"}</Fact>
        <Fact label="Connector">{h.listen.connector || "off"}</Fact>
        <Fact label="State">
          <span class="mono">{h.directory}</span>
        </Fact>
      </dl>
    </Card>
  );
}

function Doctor() {
  const found = useResource((stop) => api.doctor(stop), []);
  const checks = found.data && [...found.data.checks].sort((a, b) => order.indexOf(a.status) - order.indexOf(b.status));
  const bad = checks?.filter((c) => c.status === "fail" || c.status === "warn").length ?? 0;
  return (
    <Card
      title={checks ? `Checks: ${bad === 0 ? "nothing found" : `${bad} ${bad === 1 ? "finding" : "findings"}`}` : "Checks"}
      actions={
        <Button icon="restart" busy={found.loading} onClick={found.reload}>
          Check again
        </Button>
      }
    >
      {!checks ? (
        found.error ? <Failure title="The checks could not be made" detail={explain(found.error)} onRetry={found.reload} /> : <Loading rows={6} label="Checking" />
      ) : (
        <ul class="checks">
          {checks.map((c, i) => (
            <One key={`${c.name} ${i}`} check={c} />
          ))}
        </ul>
      )}
    </Card>
  );
}

function One({ check }: { check: Check }) {
  const look = looks[check.status] ?? looks.skip!;
  return (
    <li>
      <span class={`badge tone-${look.tone}`}>
        <Icon name={look.icon} size={12} />
        {look.word}
      </span>
      <strong>{clean(check.name)}</strong>
      <span class="check-detail">{clean(check.detail)}</span>
      {check.fix && <span class="check-fix">{clean(check.fix)}</span>}
    </li>
  );
}

const signs: Record<string, string> = { add: "+", create: "+", start: "+", remove: "-", stop: "-", destroy: "-", replace: "-/+", restart: "-/+", update: "~" };

function Planned() {
  const found = useResource((stop) => api.plan(stop), []);
  const { reload } = found;
  const config = host.value?.config;
  useEffect(reload, [config?.problem, config?.pending.join()]);
  const changes = found.data?.changes ?? [];
  return (
    <Card title="Configuration against what runs">
      {!found.data ? (
        found.error ? <Failure title="The plan could not be made" detail={explain(found.error)} onRetry={reload} /> : <Loading rows={3} />
      ) : changes.length === 0 ? (
        <p class="card-body muted">The scripts run as the configuration says.</p>
      ) : (
        <>
          <ul class="plan">
            {changes.map((c, i) => (
              <Change key={`${c.kind} ${c.name} ${i}`} c={c} />
            ))}
          </ul>
          <p class="card-body muted">
            <code>mlhost reload</code> carries it out.
          </p>
        </>
      )}
    </Card>
  );
}

function Change({ c }: { c: PlannedChange }) {
  return (
    <li>
      <p>
        <span class="mono plan-sign">{signs[c.action] ?? "~"}</span> <strong>{clean(c.name || c.script)}</strong> <span class="tag">{c.action.replaceAll("_", " ")}</span> <span class="muted">{clean(c.reason)}</span>
      </p>
      {c.attributes.length > 0 && (
        <ul class="mono small">
          {c.attributes.map((a) => (
            <li key={a.path}>
              {clean(a.path)}: {clean(value(a.old))} → {clean(value(a.new))} <span class="faint">{a.effect.replaceAll("_", " ")}</span>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}
