// The frame around every page, and which page is shown.
import { useEffect, useRef } from "preact/hooks";
import { session } from "./api/session";
import { Button, Empty, IconButton } from "./components/basics";
import { Dialogs } from "./components/dialog";
import { Icon, type IconName } from "./components/icon";
import { Toasts } from "./components/toast";
import { now } from "./lib/clock";
import { when } from "./lib/format";
import { href, route } from "./lib/router";
import { theme, type Theme } from "./lib/theme";
import { findPage, navigation } from "./pages";
import { Gate } from "./pages/gate";
import { connection, lastGap, retryNow } from "./state/live";
import { host } from "./state/scripts";

const nextTheme: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const themeIcon: Record<Theme, IconName> = { system: "auto", light: "sun", dark: "moon" };

function ThemeSwitch() {
  const t = theme.value;
  return <IconButton icon={themeIcon[t]} label={`Colours: ${t === "system" ? "as the system" : t}. Change to ${nextTheme[t]}`} onClick={() => (theme.value = nextTheme[t])} />;
}

function LinkState() {
  const { state } = connection.value;
  const live = state === "live";
  return (
    <span class={`link-state ${live ? "" : "off"}`}>
      <span class="dot" aria-hidden="true" />
      <span class="words">{live ? "Live" : state === "connecting" ? "Connecting" : "Offline"}</span>
    </span>
  );
}

function Top() {
  const current = route.value.page;
  return (
    <header class="top">
      <a class="brand" href="#/">
        <svg class="mark" width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
          <path d="M2 15c3 0 3.5-9 6-9s2.5 6 5 6 2.5-3 5-3" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" />
        </svg>
        mlhost
        {host.value && (
          <span class="host ellipsis" title={host.value.directory}>
            {host.value.name}
          </span>
        )}
      </a>
      <nav class="nav" aria-label="Pages">
        {navigation.map((p) => (
          <a key={p.id} href={href(p.id)} aria-current={p.id === current || p.holds?.includes(current) ? "page" : undefined}>
            {p.title}
          </a>
        ))}
      </nav>
      <div class="top-right">
        <LinkState />
        <ThemeSwitch />
      </div>
    </header>
  );
}

function Offline() {
  const { state, retryAt } = connection.value;
  if (state !== "waiting") return null;
  const left = retryAt ? Math.max(0, Math.ceil((retryAt - now.value) / 1000)) : 0;
  return (
    <div class="banner tone-warn">
      <Icon name="alert" />
      <span role="alert">The host does not answer. What you see is as it was; the scripts run on.</span>
      <Button onClick={retryNow}>{left > 1 ? `Try now (in ${left} s)` : "Try now"}</Button>
    </div>
  );
}

/** Says that there was a hole in what came, and what became of it. */
function Gap() {
  const gap = lastGap.value;
  if (!gap) return null;
  return (
    <div class="banner tone-wait">
      <Icon name="info" />
      <span role="status">
        {gap.why} There was a gap before {when(gap.at)}; everything was read anew.
      </span>
      <IconButton icon="close" label="Close" onClick={() => (lastGap.value = null)} />
    </div>
  );
}

function Notices() {
  const about = host.value;
  if (!about) return null;
  const notices = [...(about.config.problem ? [`The configuration cannot be used as it is now: ${about.config.problem}`] : []), ...about.notices];
  return (
    <>
      {notices.map((text) => (
        <div key={text} class="banner tone-warn">
          <Icon name="alert" />
          <span>{text}</span>
        </div>
      ))}
    </>
  );
}

function Page() {
  const { page, args } = route.value;
  const found = findPage(page);
  const main = useRef<HTMLElement>(null);
  const where = `${page}/${args.join("/")}`;
  const first = useRef(true);
  useEffect(() => {
    // A new page begins at its top, for the keyboard and screen readers too.
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
    main.current?.scrollTo(0, 0);
  }, [where]);
  return (
    <main ref={main} class="page" id="main" tabIndex={-1} key={where}>
      {found ? (
        <found.view args={args} />
      ) : (
        <Empty icon="question" title="There is no such page">
          <a href="#/">All scripts</a>
        </Empty>
      )}
    </main>
  );
}

export function App() {
  if (session.value === "checking") return null;
  if (session.value === "out") return <Gate />;
  return (
    <div class="shell">
      <a
        class="skip" href="#main"
        onClick={(e) => {
          e.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        Skip to the content
      </a>
      <Top />
      <Offline />
      <Gap />
      <Notices />
      <Page />
      <Toasts />
      <Dialogs />
    </div>
  );
}
