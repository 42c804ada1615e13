// Deep links live in the fragment (#/script/NAME?tab=logs): the server then
// has one page to serve without a token, and nothing of a link reaches it.
import { signal } from "@preact/signals";

export interface Route {
  /** The first part of the path; "" is the overview. */
  page: string;
  /** The other parts, decoded. */
  args: string[];
  query: URLSearchParams;
}

/** Reads a fragment. What cannot be decoded is taken as it stands. */
export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = splitOnce(hash.replace(/^#\/?/, ""), "?");
  const [page = "", ...args] = path.split("/").map(decode);
  return { page, args: args.filter((a) => a !== ""), query: new URLSearchParams(query) };
}

function splitOnce(text: string, by: string): [string, string] {
  const at = text.indexOf(by);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + by.length)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Writes a link to a page of ours. */
export function href(page: string, args: string[] = [], query: Record<string, string | undefined> = {}): string {
  const path = [page, ...args].map(encodeURIComponent).join("/");
  const wanted = Object.entries(query).filter((e): e is [string, string] => e[1] !== undefined && e[1] !== "");
  const text = new URLSearchParams(wanted).toString();
  return `#/${path}${text ? `?${text}` : ""}`;
}

export const route = signal<Route>(parseRoute(typeof location === "undefined" ? "" : location.hash));

/** Goes to a link; with replace, the one before is forgotten. */
export function go(link: string, replace = false): void {
  if (replace) {
    history.replaceState(null, "", link);
    route.value = parseRoute(link);
  } else {
    location.hash = link;
  }
}

/** Changes the query of the page that is shown. */
export function setQuery(changes: Record<string, string | undefined>): void {
  const { page, args, query } = route.peek();
  go(href(page, args, { ...Object.fromEntries(query), ...changes }), true);
}

export function watchRoute(): void {
  addEventListener("hashchange", () => {
    route.value = parseRoute(location.hash);
  });
}
