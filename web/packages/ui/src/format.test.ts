import { expect, test } from "vitest";

import { formatter } from "./format";

const en = formatter("en", "UTC");
const ru = formatter("ru", "Europe/Moscow");
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, " ");

test("sizes have one digit below a hundred and none above, in the language's own units", () => {
  expect(plain(en.bytes(1_400_000_000))).toBe("1.4 GB");
  expect(plain(ru.bytes(1_400_000_000))).toBe("1,4 ГБ");
  expect(plain(en.bytes(123_456_789))).toBe("123 MB");
});

test("sizes change to the next unit where rounding would show a thousand", () => {
  expect(plain(en.bytes(999))).toBe("999 B");
  expect(plain(en.bytes(999_499))).toBe("999 kB");
  expect(plain(en.bytes(999_950))).toBe("1 MB");
  expect(plain(en.bytes(0))).toBe("0 B");
});

test("rates are sizes in a second", () => {
  expect(plain(en.rate(12_300_000))).toBe("12.3 MB/s");
  expect(plain(ru.rate(12_300_000))).toBe("12,3 МБ/с");
});

test("durations show their two largest parts", () => {
  expect(plain(en.duration(0.2))).toBe("< 1 sec");
  expect(plain(en.duration(59.6))).toBe("1 min");
  expect(plain(en.duration(7500))).toBe("2 hr 5 min");
  expect(plain(ru.duration(7500))).toBe("2 ч 5 мин");
  expect(plain(en.duration(90_061))).toBe("1 day 1 hr");
});

test("relative times cut off what has not passed yet", () => {
  const now = new Date("2026-11-23T12:00:00Z");
  const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000);
  expect(en.relative(ago(119), now)).toBe("1 minute ago");
  expect(en.relative(ago(26 * 3600), now)).toBe("yesterday");
  expect(ru.relative(ago(5 * 60), now)).toBe("5 минут назад");
  expect(en.relative(ago(-7200), now)).toBe("in 2 hours");
});

test("exact times name their zone", () => {
  expect(plain(ru.exact(new Date("2026-11-23T12:00:00Z")))).toContain("15:00:00");
});
