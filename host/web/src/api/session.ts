// The token of this tab: from the code of a link, from session storage, or
// from another tab of ours that is open. It is never kept anywhere else.
import { signal } from "@preact/signals";
import { go } from "../lib/router";
import type { Problem, Session } from "./v1";

const key = "mlhost-token";

export type SessionState = "checking" | "in" | "out";

export const session = signal<SessionState>("checking");
/** Why nobody is logged in, in words for people; "" at first. */
export const refusal = signal("");

let token = "";

export function currentToken(): string {
  return token;
}

/** Takes a token that a person typed, or that a code was exchanged for. */
export function logIn(given: string): void {
  token = given.trim();
  sessionStorage.setItem(key, token);
  refusal.value = "";
  session.value = "in";
}

/** Forgets the token: the host does not know it any more. */
export function logOut(why: string): void {
  token = "";
  sessionStorage.removeItem(key);
  refusal.value = why;
  session.value = "out";
}

/** Finds a token for this tab, in the order of how fresh it is. */
export async function openSession(): Promise<void> {
  listenForTabs();
  const code = takeCode();
  if (code) {
    const problem = await exchange(code);
    if (!problem) return;
    refusal.value = problem;
  }
  const kept = sessionStorage.getItem(key) ?? (await askTabs());
  if (kept) logIn(kept);
  else session.value = "out";
}

/** Takes the code out of the address, where it must not stay. */
function takeCode(): string | null {
  if (!location.hash.startsWith("#code=")) return null;
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  go("#/", true);
  return code;
}

async function exchange(code: string): Promise<string> {
  try {
    const answer = await fetch("/api/v1/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ code }),
    });
    if (answer.ok) {
      logIn(((await answer.json()) as Session).token);
      return "";
    }
    const problem = (await answer.json()) as Problem;
    return problem.message + (problem.hint ? ` (${problem.hint})` : "");
  } catch {
    return "The host did not answer.";
  }
}

// Session storage is not shared by tabs, but a link that is opened in another
// tab should work: tabs of this origin lend each other the token.
const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("mlhost");

function listenForTabs(): void {
  channel?.addEventListener("message", (e: MessageEvent<{ ask?: true; token?: string }>) => {
    if (e.data.ask && token) channel.postMessage({ token });
  });
}

function askTabs(): Promise<string | null> {
  if (!channel) return Promise.resolve(null);
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), 300);
    channel.addEventListener("message", (e: MessageEvent<{ token?: string }>) => {
      if (!e.data.token) return;
      clearTimeout(timer);
      resolve(e.data.token);
    });
    channel.postMessage({ ask: true });
  });
}
