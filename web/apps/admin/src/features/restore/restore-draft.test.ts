import { expect, test } from "vitest";

import { bodyOf, missing, newDraft, ofSnapshot, toggled, type RestoreDraft } from "./restore-draft";

test("choosing a folder takes the marks off what lies in it", () => {
  expect(toggled(["/a/b", "/ab", "/a/c/d"], "/a")).toEqual(["/ab", "/a"]);
});

test("choosing what is chosen takes the choice back", () => {
  expect(toggled(["/a", "/b"], "/a")).toEqual(["/b"]);
});

test("files have to be chosen, or all of them on purpose", () => {
  const draft = { ...newDraft(), snapshotId: "1" };
  expect(missing(draft, 1)).toBe("files");
  expect(missing({ ...draft, paths: ["/a"] }, 1)).toBeNull();
  expect(missing({ ...draft, everything: true }, 1)).toBeNull();
});

test("everything is an empty selection, whatever was marked before", () => {
  expect(bodyOf({ ...newDraft(), everything: true, paths: ["/a"] }).selection).toEqual([]);
});

const chosen: RestoreDraft = {
  ...newDraft(),
  ...ofSnapshot({ id: "s", agent_id: "its own" }),
  target: "/back",
  policy: "skip",
};

test("the snapshot's own machine restores without anybody's leave", () => {
  expect(missing(chosen, 2)).toBeNull();
  expect(bodyOf({ ...chosen, isAllowed: true })).not.toHaveProperty("from_other_agent");
});

test("another machine restores once it was said that it may, and not before", () => {
  const other = { ...chosen, agentId: "another" };
  expect(missing(other, 2)).toBe("allowed");
  expect(bodyOf(other)).not.toHaveProperty("from_other_agent");
  expect(missing({ ...other, isAllowed: true }, 2)).toBeNull();
  expect(bodyOf({ ...other, isAllowed: true })).toMatchObject({
    agent_id: "another",
    from_other_agent: true,
  });
});

test("another snapshot is restored by its own machine again, and asks anew", () => {
  const other = { ...chosen, agentId: "another", isAllowed: true };
  expect({ ...other, ...ofSnapshot({ id: "t", agent_id: "third" }) }).toMatchObject({
    agentId: "third",
    isAllowed: false,
  });
});
