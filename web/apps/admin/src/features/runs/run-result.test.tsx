import { screen } from "@testing-library/react";
import { expect, test } from "vitest";

import type { RunDetail } from "../../lib/queries/runs";
import { renderApp } from "../../testing/render-app";
import { RunResult } from "./run-result";

async function show(result: Record<string, number>) {
  const run: Partial<RunDetail> = {
    id: "r",
    kind: "restore",
    state: "completed_with_warnings",
    attempt: 1,
    attempts: [],
    targets: [],
    started_at: "2026-11-23T10:00:00Z",
    finished_at: "2026-11-23T10:01:00Z",
    result,
  };
  await renderApp(() => <RunResult run={run as RunDetail} />);
}

const said = (word: string) => screen.getByText(word).nextElementSibling?.textContent;

test("how many owners a restore could not bring back is said", async () => {
  await show({ files_restored: 5, files_failed: 0, owners_not_restored: 4 });
  expect(said("Owners not restored")).toBe("4");
});

test("owners are no matter where all of them came back, failed files always are", async () => {
  await show({ files_restored: 5, files_failed: 0, owners_not_restored: 0 });
  expect(screen.queryByText("Owners not restored")).toBeNull();
  expect(said("Files failed")).toBe("0");
});
