import { act, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { connection } from "../lib/live/connection";
import { renderApp } from "../testing/render-app";
import { ConnectionBanner } from "./connection-banner";

beforeEach(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] }));
afterEach(() => {
  act(connection.there);
  vi.useRealTimers();
});

const said = () => screen.getByRole("status").textContent;

test("a short break is not worth a word, a longer one is", async () => {
  await renderApp(() => <ConnectionBanner />);
  act(connection.lost);
  expect(said()).toBe("");
  act(() => vi.advanceTimersByTime(3000));
  expect(said()).toContain("Not live since");
  act(connection.there);
  expect(said()).toBe("");
});

test("too many windows are named at once, with when it is tried again", async () => {
  vi.setSystemTime(new Date(2026, 10, 23, 10, 0, 0));
  await renderApp(() => <ConnectionBanner />);
  act(connection.lost);
  act(() => connection.tooMany(15));
  expect(said()).toContain("Too many windows of the console are open");
  expect(said()).toContain("it asks again at 10:00:15");
});
