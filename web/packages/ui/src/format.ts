/** Numbers, sizes and times as the reader's language writes them. No React in here. */

export type Locale = "en" | "ru";

/** Decimal units, as disks and networks are sold; the words are those of each language. */
const BYTE_UNITS: Record<Locale, readonly string[]> = {
  en: ["B", "kB", "MB", "GB", "TB", "PB"],
  ru: ["Б", "КБ", "МБ", "ГБ", "ТБ", "ПБ"],
};
const PER_SECOND: Record<Locale, string> = { en: "/s", ru: "/с" };
/** English by the 24-hour clock, as schedules are said. */
const DATES: Record<Locale, string> = { en: "en-GB", ru: "ru" };
const NBSP = "\u00a0";

/** A duration's parts; the two largest are shown. */
const PARTS: readonly { seconds: number; unit: "day" | "hour" | "minute" | "second" }[] = [
  { seconds: 86_400, unit: "day" },
  { seconds: 3600, unit: "hour" },
  { seconds: 60, unit: "minute" },
  { seconds: 1, unit: "second" },
];

const RELATIVE: readonly { below: number; seconds: number; unit: Intl.RelativeTimeFormatUnit }[] = [
  { below: 60, seconds: 1, unit: "second" },
  { below: 3600, seconds: 60, unit: "minute" },
  { below: 86_400, seconds: 3600, unit: "hour" },
  { below: 30 * 86_400, seconds: 86_400, unit: "day" },
  { below: 365 * 86_400, seconds: 30 * 86_400, unit: "month" },
  { below: Infinity, seconds: 365 * 86_400, unit: "year" },
];

export interface Formatter {
  count(value: number): string;
  /** "1.4 GB": one digit after the point below 100, none above. */
  bytes(value: number): string;
  rate(bytesPerSecond: number): string;
  /** "2 h 5 min"; below a second "< 1 s". */
  duration(seconds: number): string;
  percent(fraction: number): string;
  /** Date and time to the second, with the zone. */
  exact(at: Date): string;
  /** Date and time without seconds. */
  short(at: Date): string;
  /** Weekday, date and time: for a list of moments ahead. */
  moment(at: Date): string;
  day(at: Date): string;
  dayOfMonth(at: Date): string;
  clock(at: Date): string;
  /** "3 minutes ago", "in 2 hours", "yesterday". */
  relative(at: Date, now: Date): string;
}

/** The rules of one language. Cheap enough to make once for each language; Intl objects are kept. */
export function formatter(locale: Locale, timeZone?: string): Formatter {
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const oneDigit = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const times = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(DATES[locale], { timeZone, ...options });
  const exact = times({ dateStyle: "long", timeStyle: "long" });
  const short = times({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const moment = times({
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  });
  const day = times({ day: "numeric", month: "short" });
  const dayOfMonth = times({ day: "numeric" });
  const clock = times({ hour: "2-digit", minute: "2-digit", second: "2-digit" });

  function bytes(value: number): string {
    const units = BYTE_UNITS[locale];
    let power = 0;
    let amount = value;
    // 999.95 would be shown as "1000": the next unit begins where rounding reaches it.
    while (Math.abs(amount) >= 999.5 && power < units.length - 1) {
      amount /= 1000;
      power += 1;
    }
    const number = power === 0 || Math.abs(amount) >= 99.95 ? whole : oneDigit;
    return `${number.format(amount)}${NBSP}${units[power]}`;
  }

  function duration(seconds: number): string {
    const rest = Math.max(0, Math.round(seconds));
    const first = PARTS.findIndex((part) => rest >= part.seconds);
    if (first === -1) return `<${NBSP}${part(1, "second")}`;
    const [large, small] = [PARTS[first], PARTS[first + 1]];
    if (large === undefined) return part(rest, "second");
    const left = rest % large.seconds;
    const words = [part(Math.floor(rest / large.seconds), large.unit)];
    if (small !== undefined && left >= small.seconds)
      words.push(part(Math.floor(left / small.seconds), small.unit));
    return words.join(NBSP);
  }

  function part(value: number, unit: "day" | "hour" | "minute" | "second"): string {
    return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short" }).format(value);
  }

  return {
    count: (value) => whole.format(value),
    bytes,
    rate: (bytesPerSecond) => `${bytes(bytesPerSecond)}${PER_SECOND[locale]}`,
    duration,
    percent: (fraction) => percent.format(fraction),
    exact: (at) => exact.format(at),
    short: (at) => short.format(at),
    moment: (at) => moment.format(at),
    day: (at) => day.format(at),
    dayOfMonth: (at) => dayOfMonth.format(at),
    clock: (at) => clock.format(at),
    relative: (at, now) => {
      const seconds = (at.getTime() - now.getTime()) / 1000;
      const step = RELATIVE.find((entry) => Math.abs(seconds) < entry.below);
      if (step === undefined) return exact.format(at);
      return relative.format(Math.trunc(seconds / step.seconds), step.unit);
    },
  };
}
