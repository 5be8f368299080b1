import { QueryClient } from "@tanstack/react-query";
import { screen } from "@testing-library/react";
import { expect, test } from "vitest";

import { ratesQuery, type Rates } from "../../lib/live/rates";
import { ORG, renderApp } from "../../testing/render-app";
import { RatePlot } from "./rate-plot";

async function show(...rates: number[]) {
  const client = new QueryClient();
  const points = rates.map((rate, index) => ({ at: Date.UTC(2026, 10, 23, 10, 0, index), rate }));
  const known: Rates = { points, last: {} };
  client.setQueryData(ratesQuery(ORG, "r").queryKey, known);
  const { container } = await renderApp(() => <RatePlot runId="r" />, client);
  return container;
}

test("the plot is said in words as well: since when, how fast at most and on average", async () => {
  const container = await show(0, 2_000_000, 1_000_000);
  const words = screen.getByRole("figure").textContent;
  expect(words).toMatch(/Speed since \d\d:\d\d:\d\d, at most 2\sMB\/s/);
  expect(words).toMatch(/mean 1\sMB\/s/);
  expect(container.querySelectorAll("path")[1]?.getAttribute("d")).toBe("M0 100 L50 0 L100 50");
});

test("before there is a line there is its room", async () => {
  const container = await show(5);
  expect(screen.queryByRole("figure")).toBeNull();
  expect(container.querySelector("div[class*=plot]")).not.toBeNull();
});
