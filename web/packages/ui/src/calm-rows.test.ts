import { expect, test } from "vitest";

import { calmRows } from "./calm-rows";

interface Row {
  id: string;
  state?: string;
}

const rows = (...ids: string[]): Row[] => ids.map((id) => ({ id }));
const ids = (found: Row[]) => found.map((row) => row.id).join("");
const calm = (shown: Row[], fresh: Row[]) => calmRows(shown, fresh, (row) => row.id);

test("a row that came in above waits", () => {
  expect(ids(calm(rows("b", "c"), rows("a", "b", "c")))).toBe("bc");
});

test("rows keep their places when the order changes", () => {
  expect(ids(calm(rows("a", "b"), rows("b", "a")))).toBe("ab");
});

test("a row shows its new content at once", () => {
  expect(calm(rows("a"), [{ id: "a", state: "done" }])).toEqual([{ id: "a", state: "done" }]);
});

test("a row that is gone stays until the pointer has left", () => {
  expect(ids(calm(rows("a", "b"), rows("b")))).toBe("ab");
});

test("the next page is added", () => {
  expect(ids(calm(rows("a", "b"), rows("x", "a", "b", "c", "d")))).toBe("abcd");
});
