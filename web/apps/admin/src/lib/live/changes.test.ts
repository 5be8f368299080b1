import { expect, test } from "vitest";

import { parseChange, staleAfter } from "./changes";

const change = (kind: string) => ({ kind, id: "1", what: "changed" });

test("a run's change makes runs, the overview and what shows a last run be asked for again", () => {
  expect(staleAfter("o", [change("run")])).toEqual([
    ["o", "agents"],
    ["o", "jobs"],
    ["o", "overview"],
    ["o", "runs"],
  ]);
});

test("many changes of one kind are asked for once", () => {
  expect(staleAfter("o", [change("snapshot"), change("snapshot")])).toEqual([
    ["o", "overview"],
    ["o", "repositories"],
    ["o", "snapshots"],
  ]);
});

test("a new agent uses up a token", () => {
  expect(staleAfter("o", [change("agent")])).toContainEqual(["o", "tokens"]);
});

test("a kind of a newer server is passed over", () => {
  expect(staleAfter("o", [change("planet")])).toEqual([]);
});

test("an event that is no change is passed over", () => {
  expect(parseChange("[]")).toBeNull();
  expect(parseChange('{"kind": "run"}')).toBeNull();
  expect(parseChange('{"kind": "run", "id": "1", "what": "changed"}')).toMatchObject({ kind: "run" });
});
