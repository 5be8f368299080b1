import { expect, test } from "vitest";

import { bodyOf, isComplete, newDraft, toggled } from "./restore-draft";

test("choosing a folder takes the marks off what lies in it", () => {
  expect(toggled(["/a/b", "/ab", "/a/c/d"], "/a")).toEqual(["/ab", "/a"]);
});

test("choosing what is chosen takes the choice back", () => {
  expect(toggled(["/a", "/b"], "/a")).toEqual(["/b"]);
});

test("files have to be chosen, or all of them on purpose", () => {
  const draft = { ...newDraft(), snapshotId: "1" };
  expect(isComplete(draft, 1)).toBe(false);
  expect(isComplete({ ...draft, paths: ["/a"] }, 1)).toBe(true);
  expect(isComplete({ ...draft, everything: true }, 1)).toBe(true);
});

test("everything is an empty selection, whatever was marked before", () => {
  expect(bodyOf({ ...newDraft(), everything: true, paths: ["/a"] }).selection).toEqual([]);
});
