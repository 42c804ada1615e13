// Every route: from where to where, when it fired last, and why not since.
import type { Route, Routes, TopicRoute } from "../../api/v1";
import { Card, Empty } from "../../components/basics";
import { Icon } from "../../components/icon";
import { duration, full, num, value, when } from "../../lib/format";
import { href } from "../../lib/router";
import { clean } from "../../lib/text";

export function RouteList({ routes }: { routes: Routes }) {
  const none = routes.routes.length + routes.topics.length === 0;
  return (
    <Card title="Routes" actions={<span class="small muted">{routes.default === "deny" ? "Only what routes and allow blocks name may be sent" : "Scripts may send to each other freely"}</span>}>
      {none ? (
        <Empty icon="link" title="The configuration has no routes" />
      ) : (
        <ul class="routes">
          {routes.routes.map((r) => (
            <li key={r.name}>
              <One r={r} />
            </li>
          ))}
          {routes.topics.map((t) => (
            <li key={t.name}>
              <Topic t={t} />
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

const signs = { ok: ["check", "good", "works"], warn: ["alert", "warn", "look at it"], skip: ["clock", "rest", "off"] } as const;

function One({ r }: { r: Route }) {
  const [icon, tone, word] = signs[r.status as keyof typeof signs] ?? signs.ok;
  return (
    <>
      <p class="route-head">
        <span class={`badge tone-${tone}`}>
          <Icon name={icon} size={12} />
          {word}
        </span>
        <strong>{clean(r.name)}</strong>
        <span class="ends">
          <a href={href("script", [r.from.script])}>{r.from.script}</a>
          <span class="mono">.{clean(r.from.variable)}</span>
          <Icon name="chevron" size={11} />
          <a href={href("script", [r.to.script])}>{r.to.script}</a>
          <span class="mono">.{clean(r.to.parameter)}</span>
        </span>
        <span class="route-count">
          {num(r.fired)} <span class="muted">{r.fired === 1 ? "time" : "times"}</span>
        </span>
      </p>
      <p class="route-why">
        {r.last_set && (
          <span title={full(r.last_set)}>
            Fired last at {when(r.last_set)}.{" "}
          </span>
        )}
        <span class={tone === "warn" ? "tone-warn-text" : "muted"}>{sentence([r.last_set && !r.problem && tone === "good" ? "" : r.why, r.problem].filter(Boolean).join("; ")) || (r.last_set ? "" : "Has not fired yet.")}</span>
      </p>
      <p class="small faint">{limits(r)}</p>
    </>
  );
}

function sentence(text: string): string {
  return clean(text.slice(0, 1).toUpperCase() + text.slice(1));
}

function limits(r: Route): string {
  return [
    r.seen > 0 ? `${num(r.seen)} samples seen, the last ${clean(value(r.last))}` : "no sample seen",
    r.window > 1 ? `looks at the last ${num(r.window)}` : "",
    r.cooldown > 0 ? `rests ${duration(r.cooldown)} after it fired` : "",
    r.every > 0 ? `at most every ${duration(r.every)}` : "",
    r.min_change > 0 ? `leaves changes below ${num(r.min_change)}` : "",
    r.on_nan === "fire" ? "fires on NaN too" : "",
  ]
    .filter(Boolean)
    .join(" · ");
}

function Topic({ t }: { t: TopicRoute }) {
  return (
    <p class="route-head">
      <span class={`badge tone-${t.enabled ? "good" : "rest"}`}>
        <Icon name={t.enabled ? "check" : "clock"} size={12} />
        {t.enabled ? "works" : "off"}
      </span>
      <strong>{clean(t.name)}</strong>
      <span class="ends">
        {t.from.join(", ") || "anybody"}
        <Icon name="chevron" size={11} />
        {t.to.join(", ")}
      </span>
      <span class="tag">topic {clean(t.topic)}</span>
    </p>
  );
}
