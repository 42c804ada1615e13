// Imported before anything else. Some systems (LANG=C, POSIX) make the browser
// name a language like "en-US@posix", which Intl refuses with a RangeError;
// uPlot asks Intl as soon as it is loaded, and would take the page with it.

/** Returns the first language that Intl takes. */
export function usableLocale(languages: readonly string[]): string {
  for (const language of languages) {
    for (const attempt of [language, language.split(/[@.]/)[0]?.replace("_", "-") ?? ""]) {
      try {
        new Intl.NumberFormat(attempt);
        if (attempt) return attempt;
      } catch {
        // not a language that Intl knows: the next one
      }
    }
  }
  return "en-US";
}

/** Makes navigator.language one that Intl takes, and returns it. */
export function guardLocale(nav: Navigator = navigator): string {
  const locale = usableLocale([nav.language, ...(nav.languages ?? [])]);
  if (nav.language !== locale) {
    Object.defineProperty(nav, "language", { get: () => locale, configurable: true });
    Object.defineProperty(nav, "languages", { get: () => [locale], configurable: true });
  }
  return locale;
}

export const locale = guardLocale();
