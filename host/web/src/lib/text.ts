// Text that scripts print, made fit to be shown: it stays text, and what would
// act on a terminal, or turn the direction of what follows, is taken out or
// shown as a sign.

// Colours, cursor movements, titles and the like.
// eslint-disable-next-line no-control-regex
const ansi = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\|$)|[PX^_][^\u001b]*(?:\u001b\\|$)|[ -/]*[0-~])/g;
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
const directions = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Returns a line as it would look on paper. */
export function clean(text: string): string {
  let out = text.replace(ansi, "");
  // A progress bar writes over itself: the last state is the line.
  out = out.replace(/[\r\n]+$/, "");
  const at = out.lastIndexOf("\r");
  if (at >= 0) out = out.slice(at + 1);
  return out.replace(controls, (c) => String.fromCharCode(c.charCodeAt(0) < 0x20 ? 0x2400 + c.charCodeAt(0) : 0xfffd)).replace(directions, "�");
}

/** Cuts a text into parts, those that fit a search being marked. */
export function highlight(text: string, search: string): { text: string; hit: boolean }[] {
  if (!search) return [{ text, hit: false }];
  const out: { text: string; hit: boolean }[] = [];
  const low = text.toLowerCase();
  const wanted = search.toLowerCase();
  let from = 0;
  for (let at = low.indexOf(wanted); at >= 0; at = low.indexOf(wanted, from)) {
    if (at > from) out.push({ text: text.slice(from, at), hit: false });
    out.push({ text: text.slice(at, at + wanted.length), hit: true });
    from = at + wanted.length;
  }
  if (from < text.length) out.push({ text: text.slice(from), hit: false });
  return out;
}
