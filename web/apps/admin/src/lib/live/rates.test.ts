import { expect, test } from "vitest";

import { addRate, type Rates } from "./rates";

const said = (command_id: string, bytes_per_second: number | null) => ({ command_id, bytes_per_second });

test("targets side by side are one speed, and one that is silent counts no more", () => {
  let rates: Rates = addRate(null, said("a", 100), 1000);
  rates = addRate(rates, said("b", 50), 1500);
  rates = addRate(rates, said("a", 120), 2000);
  rates = addRate(rates, said("a", 120), 9000);
  expect(rates.points.map((point) => point.rate)).toEqual([100, 150, 170, 120]);
});

test("a speed that is not known yet is no point", () => {
  expect(addRate(null, said("a", null), 0).points).toEqual([]);
});

test("a long run's points become fewer, and their mean stays", () => {
  let rates: Rates | null = null;
  for (let second = 0; second < 2000; second += 1)
    rates = addRate(rates, said("a", second % 2 === 0 ? 0 : 200), second * 1000);
  const points = rates?.points ?? [];
  expect(points.length).toBeLessThanOrEqual(240);
  expect(points.length).toBeGreaterThan(100);
  const mean = points.reduce((sum, point) => sum + point.rate, 0) / points.length;
  expect(mean).toBeGreaterThan(90);
  expect(mean).toBeLessThan(110);
});
