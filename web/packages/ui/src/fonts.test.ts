import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { fontsReady } from "./fonts";

const load = vi.fn<(font: string, text: string) => Promise<unknown[]>>();

beforeEach(() => {
  vi.useFakeTimers();
  Object.defineProperty(document, "fonts", { value: { load }, configurable: true });
});
afterEach(() => vi.useRealTimers());

test("the letters of both languages are asked for", async () => {
  load.mockResolvedValue([]);
  await fontsReady();
  const [font, text] = load.mock.calls[0] ?? [];
  expect(font).toContain("Inter Variable");
  expect(text).toMatch(/[A-Za-z]/);
  expect(text).toMatch(/[А-Яа-я]/);
});

test("a font that does not come, or fails, holds nobody up", async () => {
  load.mockRejectedValueOnce(new Error("network"));
  await fontsReady();
  load.mockReturnValueOnce(new Promise(() => undefined));
  const ready = vi.fn();
  void fontsReady().then(ready);
  await vi.advanceTimersByTimeAsync(1000);
  expect(ready).toHaveBeenCalledOnce();
});
