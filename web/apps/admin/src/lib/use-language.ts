import type { Locale } from "@sbs/ui/format";
import { changeTexts, isLocale } from "@sbs/ui/i18n";
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { loadTexts, rememberLocale } from "./language";

/** The language that is shown, and how to change it. */
export function useLanguage(): [Locale, (locale: Locale) => Promise<void>] {
  const { i18n } = useTranslation();
  const client = useQueryClient();
  async function change(locale: Locale): Promise<void> {
    rememberLocale(locale);
    await changeTexts(i18n, locale, loadTexts);
    // What the server explained, it explains in the new language.
    await client.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "session" });
  }
  return [isLocale(i18n.language) ? i18n.language : "en", change];
}
