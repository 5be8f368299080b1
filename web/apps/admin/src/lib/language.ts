import type { Locale } from "@sbs/ui/format";
import { isLocale, type Catalogue } from "@sbs/ui/i18n";

import { readStored, store } from "./browser-storage";

const KEY = "sbs.locale";

const TEXTS: Record<Locale, () => Promise<Catalogue>> = {
  en: async () => {
    const [ui, app] = await Promise.all([import("@sbs/ui/messages/en.json"), import("../messages/en.json")]);
    return { ui: ui.default, app: app.default };
  },
  ru: async () => {
    const [ui, app] = await Promise.all([import("@sbs/ui/messages/ru.json"), import("../messages/ru.json")]);
    return { ui: ui.default, app: app.default };
  },
};

export function loadTexts(locale: Locale): Promise<Catalogue> {
  return TEXTS[locale]();
}

/** Before anybody is signed in: the last choice on this computer, else the browser's first language of ours. */
export function firstLocale(): Locale {
  const chosen = readStored(KEY);
  if (isLocale(chosen)) return chosen;
  return navigator.languages.map((language) => language.slice(0, 2)).find(isLocale) ?? "en";
}

export function rememberLocale(locale: Locale): void {
  store(KEY, locale);
}
