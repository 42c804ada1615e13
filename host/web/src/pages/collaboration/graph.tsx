// The scripts that work together, and by what: a drawing of what the lists
// below it say in words.
import { useSignal } from "@preact/signals";
import { Icon } from "../../components/icon";
import { num, rate } from "../../lib/format";
import { layers } from "../../lib/layers";
import { href } from "../../lib/router";
import type { Link } from "../../state/collaboration";
import { row, tick } from "../../state/scripts";
import { lookOf } from "../../state/states";

const node = { width: 168, height: 46, across: 300, margin: 16 };
const down = 74; // from row to row
const over = 26; // more where a way goes over the top
export const mostNodes = 150;

export function Graph({ links }: { links: readonly Link[] }) {
  void tick.value;
  const near = useSignal("");
  const places = layers(shaping(links));
  const backwards = links.some((l) => places.get(l.to)!.column <= places.get(l.from)!.column && (l.from === l.to || places.get(l.to)!.column < places.get(l.from)!.column));
  const pitch = backwards ? down + over : down;
  const at = (name: string) => {
    const p = places.get(name)!;
    return { x: node.margin + p.column * node.across, y: node.margin + (backwards ? 24 : 14) + p.row * pitch };
  };
  const columns = Math.max(0, ...[...places.values()].map((p) => p.column)) + 1;
  const rows = Math.max(0, ...[...places.values()].map((p) => p.row)) + 1;
  const width = (columns - 1) * node.across + node.width + 2 * node.margin + 60;
  const longest = Math.max(0, ...links.map((l) => places.get(l.to)!.column - places.get(l.from)!.column));
  const height = (rows - 1) * pitch + node.height + 2 * node.margin + (backwards ? 38 : 28) + (longest > 1 ? sag(longest) : 0);
  const lit = (l: Link) => near.value === "" || l.from === near.value || l.to === near.value;
  return (
    <div class="graph" tabIndex={0} role="region" aria-label="Graph of the scripts that work together">
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="group" aria-label={`${places.size} scripts, ${links.length} ways between them; the lists below say the same`}>
        <defs>
          {(["route", "topic", "message"] as const).map((kind) => (
            <marker key={kind} id={`arrow-${kind}`} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse">
              <path d="M0 0.5L8 4L0 7.5z" class={`arrow ${kind}`} />
            </marker>
          ))}
        </defs>
        {links.map((l) => (
          <Way key={`${l.kind} ${l.from} ${l.to}`} named={l.kind !== "message" || (places.get(l.to)!.column > places.get(l.from)!.column && !links.some((o) => o !== l && o.from === l.from && o.to === l.to))} link={l} a={at(l.from)} b={at(l.to)} lit={lit(l)} />
        ))}
        {[...places.keys()].map((name) => (
          <Node key={name} name={name} {...at(name)} onNear={(is) => (near.value = is ? name : "")} />
        ))}
      </svg>
    </div>
  );
}

/** The edges that say where a script stands: what the configuration connects,
 * and messages only of scripts that it does not. */
function shaping(links: readonly Link[]): Link[] {
  const planned = links.filter((l) => l.kind !== "message");
  const placed = new Set(planned.flatMap((l) => [l.from, l.to]));
  return [...planned, ...links.filter((l) => l.kind === "message" && !(placed.has(l.from) && placed.has(l.to)))];
}

/** How far a way that passes columns hangs below them, so that it is seen. */
function sag(columns: number): number {
  return 30 + 14 * columns;
}

interface Point {
  x: number;
  y: number;
}

const shift = { route: -9, topic: 9, message: 0 };

function Way({ link, a, b, lit, named }: { link: Link; a: Point; b: Point; lit: boolean; named: boolean }) {
  const dy = shift[link.kind];
  const beside = b.x === a.x && b.y !== a.y;
  const back = b.x <= a.x && !beside;
  const from = { x: back ? a.x + node.width / 2 : a.x + node.width, y: back ? a.y : a.y + node.height / 2 + dy };
  const to = { x: beside ? b.x + node.width : back ? b.x + node.width / 2 : b.x, y: back ? b.y : b.y + node.height / 2 + dy };
  // Backwards, and to a script itself, a way goes over the top.
  const top = Math.min(from.y, to.y) - 26;
  const bend = (to.x - from.x) / 2;
  const columns = Math.round((b.x - a.x) / node.across);
  const low = columns > 1 ? Math.max(from.y, to.y) + (sag(columns) + node.height / 2) * 1.33 : 0;
  const d = beside
    ? `M${from.x} ${from.y}C${from.x + 44} ${from.y} ${to.x + 44} ${to.y} ${to.x} ${to.y}`
    : back
    ? `M${from.x + 14} ${from.y}C${from.x + 30} ${top} ${to.x - 30} ${top} ${to.x - 14} ${to.y}`
    : columns > 1
      ? `M${from.x} ${from.y}C${from.x + 70} ${low} ${to.x - 70} ${low} ${to.x} ${to.y}`
      : `M${from.x} ${from.y}C${from.x + bend} ${from.y} ${to.x - bend} ${to.y} ${to.x} ${to.y}`;
  const middle = { x: (from.x + to.x) / 2, y: back ? top + 2 : columns > 1 ? from.y / 8 + to.y / 8 + low * 0.75 + 4 : (from.y + to.y) / 2 - 5 };
  const text = link.labels.length > 1 ? `${link.labels[0]} +${link.labels.length - 1}` : link.labels[0]!;
  return (
    <g class={`way ${link.kind} ${link.off ? "off" : ""} ${link.problem ? "problem" : ""} ${lit ? "" : "dim"}`}>
      <title>
        {`${link.from} → ${link.to}: ${link.labels.join(", ")}`}
        {link.count > 0 ? `, ${link.count === 1 ? "once" : `${num(link.count)} times`}` : ""}
        {link.rate > 0 ? `, ${rate(link.rate)}` : ""}
        {link.off ? ", turned off" : ""}
        {link.problem ? ", with a problem" : ""}
      </title>
      <path d={d} class="line" markerEnd={`url(#arrow-${link.kind})`} />
      {named && (
        <text x={middle.x} y={middle.y} text-anchor="middle">
          {cut(text, link.rate > 0 ? 12 : 19)}
          {link.rate > 0 ? ` ${rate(link.rate)}` : link.problem ? " !" : ""}
        </text>
      )}
    </g>
  );
}

function Node({ name, x, y, onNear }: { name: string; x: number; y: number; onNear: (is: boolean) => void }) {
  const script = row(name)?.script;
  const look = lookOf(script?.state ?? "");
  return (
    <a href={script ? href("script", [name]) : undefined} class={`node tone-${look.tone}`} onMouseEnter={() => onNear(true)} onMouseLeave={() => onNear(false)} onFocus={() => onNear(true)} onBlur={() => onNear(false)}>
      <rect x={x} y={y} width={node.width} height={node.height} rx="8" />
      <text x={x + 12} y={y + 19} class="node-name">
        {cut(name, 17)}
      </text>
      <svg x={x + 12} y={y + 26} width="12" height="12" class="node-sign">
        <Icon name={look.shape} size={12} />
      </svg>
      <text x={x + 28} y={y + 36} class="node-state">
        {script?.state ?? (name.startsWith("user:") ? "a person" : "not of this host")}
      </text>
    </a>
  );
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
