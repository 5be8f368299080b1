import { createInstance, type i18n } from "i18next";
import { initReactI18next } from "react-i18next";

import type { Locale } from "./format";

export const LOCALES: readonly Locale[] = ["en", "ru"];

export function isLocale(value: unknown): value is Locale {
  return value === "en" || value === "ru";
}

/** Namespaces of texts: `ui` is this package's, `app` the application's. */
export type Catalogue = Record<"ui" | "app", object>;

/** Starts the texts in `locale`. `load` fetches one language's catalogue: only what is read travels. */
export async function startTexts(
  locale: Locale,
  load: (locale: Locale) => Promise<Catalogue>,
): Promise<i18n> {
  const texts = createInstance();
  await texts.use(initReactI18next).init({
    lng: locale,
    fallbackLng: false,
    ns: ["ui", "app"],
    defaultNS: "app",
    interpolation: { escapeValue: false }, // React escapes
    returnNull: false,
    resources: { [locale]: await load(locale) },
    react: { useSuspense: false },
  });
  document.documentElement.lang = locale;
  return texts;
}

/** Changes the language, with its catalogue loaded before anything is shown in it. */
export async function changeTexts(
  texts: i18n,
  locale: Locale,
  load: (locale: Locale) => Promise<Catalogue>,
): Promise<void> {
  if (!texts.hasResourceBundle(locale, "app")) {
    for (const [namespace, bundle] of Object.entries(await load(locale))) {
      texts.addResourceBundle(locale, namespace, bundle);
    }
  }
  await texts.changeLanguage(locale);
  document.documentElement.lang = locale;
}
