/** Schedules as people say them, and as cron text, which is what a job keeps. */

/** Days of the week, cron's words, in the order of a working week. */
export const WEEKDAYS = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

export type Schedule =
  | { mode: "manual" }
  | { mode: "days"; days: readonly Weekday[]; time: string }
  | { mode: "monthly"; day: number; time: string }
  | { mode: "cron"; cron: string };

const WORKDAYS = "MON-FRI";
const TIME = /^(\d{1,2}) (\d{1,2}) /;

/** Null: only by hand. An unfinished schedule gives text that the server explains. */
export function toCron(schedule: Schedule): string | null {
  switch (schedule.mode) {
    case "manual":
      return null;
    case "cron":
      return schedule.cron.trim();
    case "monthly":
      return `${clock(schedule.time)} ${schedule.day} * *`;
    case "days":
      return `${clock(schedule.time)} * * ${dayWords(schedule.days)}`;
  }
}

/** "22:05" as minute and hour. */
function clock(time: string): string {
  const [hour = "0", minute = "0"] = time.split(":");
  return `${Number(minute)} ${Number(hour)}`;
}

function dayWords(days: readonly Weekday[]): string {
  if (days.length === WEEKDAYS.length) return "*";
  const sorted = WEEKDAYS.filter((day) => days.includes(day));
  const text = sorted.join(",");
  return text === "MON,TUE,WED,THU,FRI" ? WORKDAYS : text;
}

/** What a job keeps, as the form shows it; text that it has no form for stays cron text. */
export function fromCron(cron: string | null): Schedule {
  if (cron === null) return { mode: "manual" };
  const [, minute, hour] = TIME.exec(cron) ?? [];
  const [, , day, month, weekday] = cron.split(" ");
  if (minute === undefined || hour === undefined || month !== "*") return { mode: "cron", cron };
  const time = `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
  if (day === "*") {
    const days = weekdays(weekday ?? "");
    return days === null ? { mode: "cron", cron } : { mode: "days", days, time };
  }
  if (weekday === "*" && /^\d{1,2}$/.test(day ?? "")) return { mode: "monthly", day: Number(day), time };
  return { mode: "cron", cron };
}

function weekdays(text: string): readonly Weekday[] | null {
  if (text === "*") return WEEKDAYS;
  if (text === WORKDAYS) return WEEKDAYS.slice(0, 5);
  const words = text.split(",");
  const days = WEEKDAYS.filter((day) => words.includes(day));
  return days.length === words.length && days.length > 0 ? days : null;
}
