import { expect, test } from "vitest";

import { areViews, isSameView, withView, type SavedView } from "./saved-views";

const view = (name: string, search: Record<string, unknown> = {}): SavedView => ({
  name,
  search,
  columns: null,
});

test("a view of the same name takes the other's place", () => {
  const views = withView(withView([view("b")], view("a")), view("b", { state: "failed" }));
  expect(views).toEqual([view("a"), view("b", { state: "failed" })]);
});

test("what shows the same is the same view, whatever the order of its words", () => {
  const one = view("x", { state: "failed", sort: "name" });
  expect(isSameView(one, view("y", { sort: "name", state: "failed", job: undefined }))).toBe(true);
  expect(isSameView(one, view("y", { state: "failed" }))).toBe(false);
  expect(isSameView(one, { ...one, columns: ["name"] })).toBe(false);
});

test("what somebody else has put into the browser is no view", () => {
  expect(areViews([view("a")])).toBe(true);
  for (const odd of [
    {},
    [1],
    [{ name: "a" }],
    [{ ...view("a"), columns: [1] }],
    [{ ...view("a"), search: [] }],
  ])
    expect(areViews(odd)).toBe(false);
});
