import { expect, test, vi } from "vitest";

import { textOf } from "../testing/text-of";
import { exportList, exportOrder } from "./export-list";
import type { Ask } from "./queries/pages";

interface Row {
  name: string;
  size: number;
}

/** A list of that many rows, in pages as small as asked for. */
function list(length: number, largest = 3): Ask<Row> {
  return ({ cursor, limit = largest }) => {
    const from = Number(cursor ?? 0);
    const to = Math.min(length, from + Math.min(limit, largest));
    const items = Array.from({ length: to - from }, (_, index) => ({
      name: `row ${from + index}`,
      size: index,
    }));
    return Promise.resolve({ items, next_cursor: to < length ? String(to) : null });
  };
}

const columns = [
  { header: "Name", value: (row: Row) => row.name },
  { header: "Size, bytes", value: (row: Row) => row.size },
];
const options = () => ({ signal: new AbortController().signal, told: vi.fn() });

const lines = async (file: Blob) => (await textOf(file)).split("\r\n").slice(0, -1);

test("all pages come into the file, under a line of headers and a byte order mark", async () => {
  const given = options();
  const { file, rows, cut } = await exportList(list(7), columns, given);
  expect([rows, cut]).toEqual([7, false]);
  expect(given.told.mock.calls.map(([so]) => so as number)).toEqual([3, 6, 7]);
  const found = await lines(file);
  expect(found[0]).toBe('\uFEFFName,"Size, bytes"');
  expect(found.slice(1).map((line) => line.split(",")[0])).toEqual(
    [0, 1, 2, 3, 4, 5, 6].map((n) => `row ${n}`),
  );
});

test("a list that is too long is cut off, and that is said", async () => {
  const { file, rows, cut } = await exportList(list(7), columns, { ...options(), most: 4 });
  expect([rows, cut, (await lines(file)).length]).toEqual([4, true, 5]);
});

test("a list that just fits is whole", async () => {
  expect(await exportList(list(4), columns, { ...options(), most: 4 })).toMatchObject({
    rows: 4,
    cut: false,
  });
});

test("who stops it gets no file", async () => {
  const stop = new AbortController();
  const asked = exportList(list(7), columns, { signal: stop.signal, told: () => stop.abort() });
  await expect(asked).rejects.toThrow();
});

test("an answer that is a refusal is no file either", async () => {
  const ask: Ask<Row> = ({ cursor }) =>
    cursor === undefined
      ? Promise.resolve({ items: [], next_cursor: "1" })
      : Promise.reject(new Error("429"));
  await expect(exportList(ask, columns, options())).rejects.toThrow("429");
});

test.each([
  ["created_at", "created_at"],
  ["-created_at", "-created_at"],
  ["-taken_at", "-taken_at"],
  ["-last_seen_at", "-created_at"],
  ["next_run_at", "-created_at"],
  ["name", "-created_at"],
])("a list that is shown by %s is exported by %s", (shown, exported) => {
  expect(exportOrder(shown)).toBe(exported);
});
