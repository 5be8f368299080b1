import type { Locale } from "@sbs/ui/format";
import cronstrue from "cronstrue";
import "cronstrue/locales/ru";

/** A schedule as a sentence; text that is none is given back as it is (the server says what is wrong with it). */
export function cronSentence(cron: string, locale: Locale): string {
  try {
    return cronstrue.toString(cron, { locale, use24HourTimeFormat: true, verbose: true });
  } catch {
    return cron;
  }
}
