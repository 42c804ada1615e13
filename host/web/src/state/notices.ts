// What the host says of itself changes without an event: a configuration that
// cannot be read any more, a notice. It is asked every few seconds while the
// page is looked at.
import { api } from "../api/client";
import { connection } from "./live";
import { host } from "./scripts";

const every = 4000; // milliseconds

export function watchNotices(): void {
  setInterval(() => void look(), every);
}

async function look(): Promise<void> {
  if (document.hidden || !host.peek() || connection.peek().state !== "live") return;
  try {
    const now = await api.host();
    if (JSON.stringify(now) !== JSON.stringify(host.peek())) host.value = now;
  } catch {
    // The stream says when the host is away.
  }
}
