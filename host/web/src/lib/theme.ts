// Light, dark, or as the system says. The choice is kept in this browser.
import { effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const key = "mlhost-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

function read(): Theme {
  const kept = localStorage.getItem(key);
  return kept === "light" || kept === "dark" ? kept : "system";
}

export const theme = signal<Theme>(read());
const systemDark = signal(dark.matches);

/** Whether the page is dark now: canvases, which have no CSS, ask. */
export function isDark(): boolean {
  return theme.value === "dark" || (theme.value === "system" && systemDark.value);
}

export function watchTheme(): void {
  dark.addEventListener("change", (e) => {
    systemDark.value = e.matches;
  });
  effect(() => {
    document.documentElement.dataset.theme = isDark() ? "dark" : "light";
    if (theme.value === "system") localStorage.removeItem(key);
    else localStorage.setItem(key, theme.value);
  });
}

/** The value of a design token, for canvases. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
