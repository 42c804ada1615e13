// What happened, the newest first, and on as far back as somebody wants.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { api, explain, isAbort } from "../api/client";
import type { Event } from "../api/v1";
import { Button, Card, Empty, Failure, Loading, Segments } from "../components/basics";
import { Icon } from "../components/icon";
import { clock, full } from "../lib/format";
import { locale } from "../lib/locale";
import { href, route, setQuery } from "../lib/router";
import { clean } from "../lib/text";
import { epoch, onEvents } from "../state/live";
import { allRows, tick } from "../state/scripts";
import { chapters, days, join, tell, type ChapterID } from "../state/timeline";

const page = 200;
const mostLive = 2000;

export function TimelinePage() {
  const { query } = route.value;
  const script = query.get("script") ?? "";
  const chapter = chapters.find((c) => c.id === query.get("show")) ?? chapters[0];
  const read = useSignal<readonly Event[] | null>(null);
  const live = useSignal<readonly Event[]>([]);
  const before = useSignal<number | null>(null);
  const error = useSignal<unknown>(null);
  const busy = useSignal(false);
  const era = epoch.value;
  const key = `${script} ${chapter.id}`;
  const shown = useRef("");
  const asked = { limit: page, kind: chapter.kinds, ...(script ? { script: [script] } : {}) };

  const load = async (older: boolean, stop?: AbortSignal) => {
    busy.value = true;
    try {
      const found = await api.history(older && before.value !== null ? { ...asked, before: before.value } : asked, stop);
      read.value = older ? [...(read.value ?? []), ...found.events] : found.events;
      shown.current = key;
      before.value = found.before;
      error.value = null;
    } catch (err) {
      if (!isAbort(err)) error.value = err;
    } finally {
      busy.value = false;
    }
  };
  useEffect(() => {
    const abort = new AbortController();
    if (shown.current !== key) read.value = null; // else what is there stays until it is read again
    live.value = [];
    const leave = onEvents((events) => {
      const ours = events.filter((e) => (chapter.kinds as readonly string[]).includes(e.kind) && (!script || e.script === script));
      if (ours.length > 0) live.value = [...[...ours].reverse(), ...live.value].slice(0, mostLive);
    });
    void load(false, abort.signal);
    return () => {
      leave();
      abort.abort();
    };
  }, [script, chapter.id, era]);

  const events = read.value && join(live.value, read.value);
  return (
    <div class="page-body">
      <h1 class="sr">Timeline</h1>
      <Card class="timeline" title="What happened" actions={<Filters chapter={chapter.id} script={script} />}>
        {!events ? (
          error.value ? <Failure title="The events could not be read" detail={explain(error.value)} onRetry={() => void load(false)} /> : <Loading rows={8} label="Reading the events" />
        ) : events.length === 0 ? (
          <Empty icon="clock" title="Nothing of that kind has happened" />
        ) : (
          days(events).map((d) => (
            <section key={d.day} aria-label={dayName(d.events[0]!.time)}>
              <h3 class="day">{dayName(d.events[0]!.time)}</h3>
              <ol>
                {d.events.map((e) => (
                  <Line key={e.id} event={e} />
                ))}
              </ol>
            </section>
          ))
        )}
        {before.value !== null && (
          <footer class="card-foot">
            <Button busy={busy.value} onClick={() => void load(true)}>
              Older events
            </Button>
          </footer>
        )}
      </Card>
    </div>
  );
}

function Filters({ chapter, script }: { chapter: ChapterID; script: string }) {
  void tick.value;
  const names = allRows().map((r) => r.script.name).sort();
  return (
    <>
      <Segments label="Kind" value={chapter} options={chapters.map((c) => ({ value: c.id, label: c.label }))} onChange={(show) => setQuery({ show })} />
      <select class="select" aria-label="Script" value={script} onChange={(e) => setQuery({ script: e.currentTarget.value })}>
        <option value="">All scripts</option>
        {names.map((n) => (
          <option key={n}>{n}</option>
        ))}
      </select>
    </>
  );
}

function Line({ event }: { event: Event }) {
  const told = tell(event);
  if (!told) return null;
  return (
    <li class={`event tone-${told.tone}`}>
      <time class="faint" title={full(event.time)}>
        {clock(event.time)}
      </time>
      <span class="event-sign">
        <Icon name={told.icon} size={12} />
      </span>
      {event.script ? (
        <a class="event-script ellipsis" href={href("script", [event.script])}>
          {event.script}
        </a>
      ) : (
        <span class="event-script faint">host</span>
      )}
      <span class="event-text">
        {clean(told.text)} {told.more && <span class="muted">{clean(told.more)}</span>}
      </span>
    </li>
  );
}

const dayFormat = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" });

function dayName(time: string): string {
  return dayFormat.format(new Date(time));
}
