import { expect, test } from "vitest";

import { cronSentence } from "./cron-sentence";
import { fromCron, toCron, WEEKDAYS, type Schedule } from "./schedule";

const CASES: [Schedule, string | null][] = [
  [{ mode: "manual" }, null],
  [{ mode: "days", days: WEEKDAYS, time: "02:30" }, "30 2 * * *"],
  [{ mode: "days", days: WEEKDAYS.slice(0, 5), time: "22:00" }, "0 22 * * MON-FRI"],
  [{ mode: "days", days: ["MON", "SUN"], time: "00:05" }, "5 0 * * MON,SUN"],
  [{ mode: "monthly", day: 1, time: "04:00" }, "0 4 1 * *"],
  [{ mode: "cron", cron: "*/15 8-18 * * *" }, "*/15 8-18 * * *"],
];

test.each(CASES)("the schedule %j is the cron text %j, and back", (schedule, cron) => {
  expect(toCron(schedule)).toBe(cron);
  expect(fromCron(cron)).toEqual(schedule);
});

test("days are written in the order of the week, however they were chosen", () => {
  expect(toCron({ mode: "days", days: ["SUN", "MON"], time: "1:00" })).toBe("0 1 * * MON,SUN");
});

test("what the form has no fields for stays cron text", () => {
  for (const cron of ["0 22 * JAN MON", "0 22 * * 1", "0 22 1-5 * *", "0 22 1 * MON", "0,30 1 * * *"]) {
    expect(fromCron(cron)).toEqual({ mode: "cron", cron });
  }
});

test("a schedule is said in the reader's language", () => {
  expect(cronSentence("0 22 * * MON-FRI", "en")).toBe("At 22:00, Monday through Friday");
  expect(cronSentence("0 22 * * MON-FRI", "ru")).toContain("22:00");
  expect(cronSentence("0 22 * * MON-FRI", "ru")).toContain("понедельник");
});

test("text that is no schedule is shown as it is", () => {
  expect(cronSentence("every day", "en")).toBe("every day");
});
