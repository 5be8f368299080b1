import { expect, test } from "vitest";

import { outline } from "./rate-outline";

test("time goes to the right, speed upwards, and the fastest moment touches the upper edge", () => {
  const points = [
    { at: 1000, rate: 0 },
    { at: 2000, rate: 50 },
    { at: 5000, rate: 25 },
  ];
  expect(outline(points)).toBe("M0 100 L25 0 L100 50");
});

test("a run that stands still is a line along the lower edge", () => {
  expect(
    outline([
      { at: 0, rate: 0 },
      { at: 1, rate: 0 },
    ]),
  ).toBe("M0 100 L100 100");
});
