import { expect, test } from "vitest";

import { bodyOf, bodyOfStep, newDraft, stepOfPointer } from "./job-draft";

const draft = { ...newDraft(), name: " documents ", sources: "/srv/a\n\n  /srv/b \n", agents: ["1"] };

test("lines are paths, without what surrounds them", () => {
  expect(bodyOf(draft).sources).toEqual(["/srv/a", "/srv/b"]);
  expect(bodyOf(draft).name).toBe("documents");
});

test("a step sends its own fields alone", () => {
  expect(Object.keys(bodyOfStep(draft, 1)).sort()).toEqual(["agent_ids", "repository_ids"]);
  expect(Object.keys(bodyOfStep(draft, 2)).sort()).toEqual(["cron", "keep_last", "time_zone"]);
});

test("a refusal leads to the step that can mend it", () => {
  expect(stepOfPointer("/sources/1")).toBe(0);
  expect(stepOfPointer("/agent_ids/0")).toBe(1);
  expect(stepOfPointer("/cron")).toBe(2);
  expect(stepOfPointer("/planet")).toBeNull();
});
