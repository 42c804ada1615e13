// Icons are shapes of 16 units, drawn in the colour of the text around them.
import type { Shape } from "../state/states";

export type IconName =
  | Shape | "sun" | "moon" | "auto" | "search" | "chevron" | "close" | "copy" | "down" | "up" | "undo" | "link" | "more" | "table" | "chart" | "restart" | "check2" | "alert" | "info" | "hand" | "menu" | "external" | "sort" | "pin";

const line = { fill: "none", stroke: "currentColor", "stroke-width": 1.6, "stroke-linecap": "round", "stroke-linejoin": "round" } as const;

const paths: Record<IconName, preact.JSX.Element> = {
  play: <path d="M5 3.5v9l7.5-4.5z" fill="currentColor" />,
  pause: <path d="M5.5 4v8M10.5 4v8" {...line} stroke-width={2.2} />,
  check: <path d="M3.5 8.5l3 3 6-7" {...line} stroke-width={2} />,
  check2: <path d="M3.5 8.5l3 3 6-7" {...line} stroke-width={2} />,
  cross: <path d="M4.5 4.5l7 7M11.5 4.5l-7 7" {...line} stroke-width={2.2} />,
  bang: <path d="M8 2.5l6 11H2zM8 6.5v3M8 11.4v.1" {...line} />,
  clock: <path d="M8 2.5a5.5 5.5 0 110 11 5.5 5.5 0 010-11zM8 5v3.2l2 1.3" {...line} />,
  dots: <path d="M3.5 8h.01M8 8h.01M12.5 8h.01" {...line} stroke-width={2.6} />,
  stop: <rect x="4.5" y="4.5" width="7" height="7" rx="1.2" {...line} />,
  question: <path d="M5.8 6a2.2 2.2 0 114 1.3c-.8.7-1.7 1-1.7 2.2M8.1 12.2v.1" {...line} stroke-width={1.9} />,
  sun: <path d="M8 5.2a2.8 2.8 0 110 5.6 2.8 2.8 0 010-5.6zM8 1.5v1.4M8 13.1v1.4M1.5 8h1.4M13.1 8h1.4M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1" {...line} />,
  moon: <path d="M13 9.6A5.5 5.5 0 016.4 3a5.5 5.5 0 106.6 6.6z" {...line} />,
  auto: <path d="M8 2.5a5.5 5.5 0 110 11 5.5 5.5 0 010-11zM8 2.5v11M8 4.2a3.8 3.8 0 010 7.6" {...line} />,
  search: <path d="M7 2.5a4.5 4.5 0 110 9 4.5 4.5 0 010-9zM10.4 10.4l3.1 3.1" {...line} />,
  chevron: <path d="M6 3.5L10.5 8 6 12.5" {...line} />,
  close: <path d="M4 4l8 8M12 4l-8 8" {...line} />,
  copy: <path d="M5.5 5.5h7v8h-7zM3.5 10.5v-8h7" {...line} />,
  down: <path d="M8 3v9M4.5 8.8L8 12.3l3.5-3.5" {...line} />,
  up: <path d="M8 13V4M4.5 7.2L8 3.7l3.5 3.5" {...line} />,
  undo: <path d="M3 6.5h6.5a3.3 3.3 0 010 6.6H6M5.5 3.8L2.8 6.5l2.7 2.7" {...line} />,
  restart: <path d="M12.8 6.2A5.2 5.2 0 103.2 10M13 2.8v3.6H9.4" {...line} />,
  link: <path d="M6.5 9.5l3-3M7 4.8l1.5-1.5a2.8 2.8 0 014 4L11 8.8M9 11.2l-1.5 1.5a2.8 2.8 0 01-4-4L5 7.2" {...line} />,
  more: <path d="M8 3.5v.01M8 8v.01M8 12.5v.01" {...line} stroke-width={2.4} />,
  table: <path d="M2.5 3.5h11v9h-11zM2.5 6.5h11M6.5 6.5v6" {...line} />,
  chart: <path d="M2.5 2.5v11h11M5 10l2.5-3 2 1.5L13 4.5" {...line} />,
  alert: <path d="M8 2.5l6 11H2zM8 6.5v3M8 11.4v.1" {...line} />,
  info: <path d="M8 2.5a5.5 5.5 0 110 11 5.5 5.5 0 010-11zM8 7.3v3.2M8 5.2v.1" {...line} />,
  hand: <path d="M4 8.5V5a1 1 0 012 0v2.5-4a1 1 0 012 0v4-3.5a1 1 0 012 0V8 5.5a1 1 0 012 0V9.5a4.2 4.2 0 01-4.2 4.2c-2 0-2.8-.8-4-2.7L2.7 9.5a.95.95 0 011.5-1z" {...line} stroke-width={1.3} />,
  menu: <path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11" {...line} />,
  external: <path d="M9.5 2.5h4v4M13.2 2.8L7.5 8.5M11.5 9.5v4h-9v-9h4" {...line} />,
  pin: <path d="M9.8 2.5l3.7 3.7-2.3.8-2.6 2.6-.5 3.1-4.8-4.8 3.1-.5L9 4.8zM5.6 10.4L2.6 13.4" {...line} stroke-width={1.4} />,
  sort: <path d="M5 3v10M2.5 10.5L5 13l2.5-2.5M11 13V3M8.5 5.5L11 3l2.5 2.5" {...line} />,
};

/** An icon that says nothing by itself: words stand beside it, or on its button. */
export function Icon({ name, size = 14, class: c = "" }: { name: IconName; size?: number; class?: string }) {
  return (
    <svg class={`icon ${c}`} width={`${size / 13}rem`} height={`${size / 13}rem`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {paths[name]}
    </svg>
  );
}
