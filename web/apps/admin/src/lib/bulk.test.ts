import { expect, test, vi } from "vitest";

import { actOnEach } from "./bulk";

test("each object has its outcome, whatever became of the others", async () => {
  const told = vi.fn();
  const refusal = new Error("no");
  const act = (row: number) => (row === 2 ? Promise.reject(refusal) : Promise.resolve());
  const outcomes = await actOnEach([1, 2, 3], act, told);
  expect(outcomes).toEqual([
    { row: 1, error: null },
    { row: 2, error: refusal },
    { row: 3, error: null },
  ]);
  expect(told.mock.calls.map(([done]) => done as number)).toEqual([1, 2, 3]);
});

test("a few at a time, and each once", async () => {
  let [now, most] = [0, 0];
  const seen: number[] = [];
  const rows = Array.from({ length: 20 }, (_, index) => index);
  await actOnEach(
    rows,
    async (row) => {
      seen.push(row);
      now += 1;
      most = Math.max(most, now);
      await Promise.resolve();
      now -= 1;
    },
    () => undefined,
  );
  expect(seen).toEqual(rows);
  expect(most).toBeLessThanOrEqual(4);
});
