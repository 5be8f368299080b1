import { expect, test } from "vitest";

import { shownColumns, type ListColumn } from "./list-columns";

const column = (id: string, more: Partial<ListColumn<string>> = {}): ListColumn<string> => ({
  id,
  header: id,
  cell: (row) => row,
  csv: (row) => row,
  ...more,
});
const all = [column("name"), column("minor", { minor: true }), column("extra", { atFirst: false })];
const ids = (chosen: readonly string[] | null) => shownColumns(all, chosen).map(({ id }) => id);

test("as long as nobody has chosen, a list has its own columns", () => {
  expect(ids(null)).toEqual(["name", "minor"]);
});

test("chosen columns are there in the list's order, and the first always is", () => {
  expect(ids(["extra", "minor"])).toEqual(["name", "minor", "extra"]);
  expect(ids([])).toEqual(["name"]);
});

test("a column that was chosen is not left out where there is little room", () => {
  expect(shownColumns(all, ["minor"])[1]?.minor).toBe(false);
});

test("the name of a column that is gone does no harm", () => {
  expect(ids(["gone"])).toEqual(["name"]);
});
