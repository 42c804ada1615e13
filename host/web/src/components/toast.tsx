// Short news at the edge of the page. They are told to screen readers, and
// those that are errors stay until they are closed.
import { signal } from "@preact/signals";
import { IconButton } from "./basics";
import { Icon } from "./icon";

interface Toast {
  id: number;
  tone: "good" | "warn" | "bad";
  text: string;
}

const toasts = signal<Toast[]>([]);
let next = 1;
const shown = 5000;

export function toast(text: string, tone: Toast["tone"] = "good"): void {
  const id = next++;
  // Of the same news one is enough.
  toasts.value = [...toasts.value.filter((t) => t.text !== text).slice(-3), { id, tone, text }];
  if (tone !== "bad") setTimeout(() => close(id), shown);
}

function close(id: number): void {
  toasts.value = toasts.value.filter((t) => t.id !== id);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((t) => (
        <div key={t.id} class={`toast tone-${t.tone}`}>
          <Icon name={t.tone === "good" ? "check" : "alert"} />
          <span class="grow">{t.text}</span>
          <IconButton icon="close" label="Close" onClick={() => close(t.id)} />
        </div>
      ))}
    </div>
  );
}
