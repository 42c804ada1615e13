// The log of a script: it follows what comes until somebody scrolls up, and
// then stays where it is and says how much is new.
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { explain } from "../../api/client";
import { Button, Card, Empty, Failure, Loading, Search, Segments } from "../../components/basics";
import { Icon } from "../../components/icon";
import { useRem, VirtualRows } from "../../components/virtual";
import { clock, full, num } from "../../lib/format";
import { parseMoment } from "../../lib/moment";
import { highlight } from "../../lib/text";
import { LogArchive } from "../../state/log-archive";
import { chooseLines, indexAt, LogView, rankOf, type Level, type LogLine } from "../../state/logs";
import { epoch, followLog, logEpoch } from "../../state/live";

const tones: Record<string, string> = { error: "tone-bad", warn: "tone-warn", debug: "quiet" };

function Line({ line, search }: { line: LogLine; search: string }) {
  return (
    <>
      <time class="log-time" title={full(line.time)}>
        {clock(line.time, true)}
      </time>
      <span class={`log-level ${tones[line.level] ?? ""}`}>
        {rankOf(line.level) >= 2 && <Icon name="alert" size={11} />}
        {line.level || (line.stream === "stderr" ? "err" : "out")}
      </span>
      <span class="log-text">{highlight(line.text, search).map((part, i) => (part.hit ? <mark key={i}>{part.text}</mark> : part.text))}</span>
    </>
  );
}

export function LogsPanel({ script }: { script: string }) {
  const view = useMemo(() => new LogView(script), [script]);
  const level = useSignal<Level>("debug");
  const stream = useSignal("");
  const search = useSignal("");
  const paused = useSignal<{ lines: readonly LogLine[]; at: number } | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const rowHeight = Math.round(1.54 * useRem());
  const era = epoch.value + logEpoch.value;
  useEffect(() => followLog(script), [script]);
  useEffect(() => void view.load(), [view, era]);
  useEffect(() => () => view.close(), [view]);
  void view.version.value;
  const archive = useSignal<LogArchive | null>(null);
  const past = archive.value;
  void past?.version.value;
  useEffect(() => () => archive.peek()?.close(), [script]);
  const total = view.dropped + view.lines.length;
  const source = paused.value ? paused.value.lines : view.lines;
  const choice = { level: level.value, stream: stream.value, search: search.value };
  const lines = past ? past.lines : chooseLines(source, choice);
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box || paused.value || past) return;
    box.scrollTop = box.scrollHeight;
    // The browser tells it in the next frame: what comes fast would never be drawn.
    box.dispatchEvent(new Event("scroll"));
  });
  // What is asked of the past is asked again when the choice changes.
  const stamp = JSON.stringify(choice);
  useEffect(() => {
    const first = archive.peek()?.lines[0];
    if (archive.peek()) void goBack(first?.time ?? Date.now());
  }, [stamp]);
  const goBack = async (time: number) => {
    archive.peek()?.close();
    const made = new LogArchive(script, choice);
    await made.at(time);
    archive.value = made;
    const at = made.lines.length > 0 ? indexAt(made.lines, time) : 0;
    requestAnimationFrame(() => scroller.current?.scrollTo({ top: at * rowHeight }));
  };
  const goOlder = async () => {
    await past?.before();
    requestAnimationFrame(() => scroller.current?.scrollBy({ top: (past?.grown ?? 0) * rowHeight }));
  };
  const hold = () => (paused.value ??= { lines: [...view.lines], at: total });
  // When somebody has last moved the log: what comes fast moves it too.
  const moved = useRef(-Infinity);
  const byHand = () => (moved.current = performance.now());
  const follow = () => {
    moved.current = -Infinity;
    archive.peek()?.close();
    archive.value = null;
    paused.value = null;
  };
  const unreadable = useSignal(false);
  const jump = (text: string) => {
    const first = view.lines[0];
    const time = parseMoment(text, Math.max(view.lines.at(-1)?.time ?? 0, (past?.lines.at(-1)?.time ?? 0)) || Date.now());
    unreadable.value = time === null && text.trim() !== "";
    if (time === null) return;
    if (past || !first || time < first.time) return void goBack(time);
    hold();
    scroller.current?.scrollTo({ top: indexAt(lines, time) * rowHeight });
  };
  const onPress = (e: PointerEvent) => {
    const box = scroller.current;
    // The bar is held for as long as that lasts, and nothing tells its end.
    if (box && e.offsetX > box.clientWidth) moved.current = Infinity;
    else byHand();
  };
  const onScroll = () => {
    const box = scroller.current;
    if (!box || past) return;
    const bottom = box.scrollHeight - box.scrollTop - box.clientHeight < rowHeight * 1.5;
    if (!bottom && !paused.value && lines.length > 0 && performance.now() - moved.current < 1_000) hold();
  };
  return (
    <Card
      class="logs" title="Log"
      actions={
        <>
          <Search label="Search the log" value={search.value} onInput={(t) => (search.value = t)} />
          <Segments
            label="Level" value={level.value} onChange={(l) => (level.value = l)}
            options={[{ value: "debug", label: "All" }, { value: "info", label: "Info" }, { value: "warn", label: "Warnings" }, { value: "error", label: "Errors" }]}
          />
          <select class="select" aria-label="Stream" value={stream.value} onChange={(e) => (stream.value = e.currentTarget.value)}>
            <option value="">All streams</option>
            <option value="stdout">stdout</option>
            <option value="stderr">stderr</option>
            <option value="log">log</option>
          </select>
          <form
            class="jump"
            onSubmit={(e) => {
              e.preventDefault();
              jump(e.currentTarget.querySelector("input")?.value ?? "");
            }}
          >
            <input
              class="input" aria-label="Jump to a time" placeholder="Jump to 14:05" title="A time as 14:05 or 14:05:30, a day and a time as 2026-11-23 14:05, or -10m for ten minutes ago; then Enter"
              autocomplete="off" spellcheck={false} aria-invalid={unreadable.value} onInput={() => (unreadable.value = false)}
            />
          </form>
          <Button icon={paused.value || past ? "play" : "pause"} onClick={() => (paused.value || past ? follow() : hold())}>
            {paused.value || past ? "Follow" : "Pause"}
          </Button>
        </>
      }
    >
      {!view.loaded.value ? (
        view.error.value ? <Failure title="The log could not be read" detail={explain(view.error.value)} onRetry={() => void view.load()} /> : <Loading rows={8} label="Reading the log" />
      ) : lines.length === 0 ? (
        <Empty icon="menu" title={source.length === 0 && !past ? "Nothing was printed yet" : "No line fits"} />
      ) : (
        <div class="log-box mono" ref={scroller} onScroll={onScroll} onWheel={byHand} onTouchMove={byHand} onKeyDown={byHand} onPointerDown={onPress} tabIndex={0} role="log" aria-live="off" aria-label={`Log of ${script}`}>
          <VirtualRows
            count={lines.length} rowHeight={rowHeight} scroller={scroller}
            row={(i, style) => {
              const line = lines[i];
              return (
                line && (
                  <div key={line.id} class="log-line" style={style}>
                    <Line line={line} search={search.value} />
                  </div>
                )
              );
            }}
          />
        </div>
      )}
      <footer class="log-foot small muted">
        <span>
          {num(lines.length)} {lines.length === 1 ? "line" : "lines"}
          {past ? ", read from what is kept" : view.dropped > 0 && `, ${num(view.dropped)} older ones are not shown here`}
          {past?.error.value !== undefined && past?.error.value !== null && <span class="tone-bad-text"> {explain(past.error.value)}</span>}
        </span>
        <span class="spread">
          {(past ? past.older : source.length > 0) && (
            <Button icon="up" busy={past?.busy.value ?? false} onClick={() => void (past ? goOlder() : goBack(view.lines[0]?.time ?? Date.now()))}>
              Older lines
            </Button>
          )}
          {past?.newer && (
            <Button icon="down" busy={past.busy.value} onClick={() => void past.after()}>
              Newer lines
            </Button>
          )}
          {paused.value && !past && (
            <Button kind="primary" icon="down" onClick={follow}>
              {`Paused, ${num(total - paused.value.at)} new`}
            </Button>
          )}
        </span>
      </footer>
    </Card>
  );
}
