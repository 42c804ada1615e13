// The title and the icon of the tab say how the host does, so that one glance
// at a row of tabs is enough.
import { effect } from "@preact/signals";
import bad from "../icons/bad.svg?no-inline";
import good from "../icons/good.svg?no-inline";
import idle from "../icons/idle.svg?no-inline";
import off from "../icons/off.svg?no-inline";
import warn from "../icons/warn.svg?no-inline";
import { route } from "../lib/router";
import { connection } from "./live";
import { allRows, host, tick } from "./scripts";
import { count, type GroupID } from "./states";

/** How many scripts are in each group, now. */
export function health(): Record<GroupID, number> {
  void tick.value;
  return count(allRows().map((r) => r.script.state));
}

const icons = { bad, warn, good, idle, off };

/** What the tab shows for these numbers. */
export function tabSigns(n: Record<GroupID, number>, connected: boolean, where: string): { title: string; icon: keyof typeof icons } {
  const parts = [n.failed ? `${n.failed} failed` : "", n.stalled ? `${n.stalled} stalled` : "", n.running ? `${n.running} running` : ""].filter(Boolean);
  const icon = !connected ? "off" : n.failed ? "bad" : n.stalled ? "warn" : n.running ? "good" : "idle";
  const lead = !connected ? "offline" : parts.slice(0, 2).join(", ");
  return { title: `${lead ? `${lead} · ` : ""}${where}`, icon };
}

export function watchHealth(): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  effect(() => {
    const { page, args } = route.value;
    const name = host.value?.name ?? "mlhost";
    const where = page === "script" && args[0] ? `${args[0]} – ${name}` : `${name} – mlhost`;
    const signs = tabSigns(health(), connection.value.state !== "waiting", where);
    document.title = signs.title;
    if (link && link.getAttribute("href") !== icons[signs.icon]) link.href = icons[signs.icon];
  });
}
