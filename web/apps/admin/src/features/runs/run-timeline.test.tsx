import { QueryClient } from "@tanstack/react-query";
import { screen } from "@testing-library/react";
import { expect, test } from "vitest";

import { timelineQuery, type RunDetail, type Timeline } from "../../lib/queries/runs";
import { ORG, renderApp } from "../../testing/render-app";
import { RunTimeline } from "./run-timeline";

type Step = Timeline["steps"][number];

function step(code: Step["code"], error: string | null): Step {
  const at = "2026-11-23T10:00:00Z";
  return {
    code,
    label: { code, message: code },
    outcome: error === null ? "done" : "failed",
    started_at: at,
    finished_at: at,
    duration_s: 1,
    error: error === null ? null : { code: "x", message: error, detail: null },
  };
}

async function shown(...steps: Step[]): Promise<string[]> {
  const client = new QueryClient();
  client.setQueryData(timelineQuery(ORG, "r").queryKey, { run_id: "r", state: "failed", steps });
  await renderApp(() => <RunTimeline run={{ id: "r" } as RunDetail} />, client);
  return screen.getAllByRole("listitem").map((item) => item.querySelector("p")?.textContent ?? "");
}

test("why a step failed is not said again at the end", async () => {
  expect(await shown(step("started", "no disk"), step("finished", "no disk"))).toEqual(["no disk", ""]);
});

test("what only the end knows it says", async () => {
  expect(await shown(step("started", null), step("finished", "no disk"))).toEqual(["", "no disk"]);
});

test("each attempt says its own", async () => {
  const steps = [step("started", "no disk"), step("started", "no disk"), step("finished", "no disk")];
  expect(await shown(...steps)).toEqual(["no disk", "no disk", ""]);
});
