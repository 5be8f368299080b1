import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { formatter, type Formatter } from "./format";
import { isLocale } from "./i18n";

/** The formatter of the language that is shown. */
export function useFormat(): Formatter {
  const { i18n } = useTranslation();
  return useMemo(() => formatter(isLocale(i18n.language) ? i18n.language : "en"), [i18n.language]);
}
