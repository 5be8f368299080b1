import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { openStream } from "./stream";

/** An EventSource whose connection the test breaks and mends. */
class Source extends EventTarget {
  static readonly CLOSED = 2;
  static all: Source[] = [];
  readyState = 1;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  close = vi.fn();
  constructor(readonly url: string) {
    super();
    Source.all.push(this);
  }
  refuse() {
    this.readyState = Source.CLOSED;
    this.onerror?.();
  }
}

beforeEach(() => {
  Source.all = [];
  vi.stubGlobal("EventSource", Source);
  vi.useFakeTimers();
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test("events reach their handlers by name", () => {
  const changed = vi.fn();
  openStream("/events", { on: { changed } });
  Source.all[0]?.dispatchEvent(new MessageEvent("changed", { data: "{}" }));
  expect(changed).toHaveBeenCalledWith("{}");
});

test("after a refusal a new connection is opened, later each time", async () => {
  openStream("/events", { on: {} });
  Source.all[0]?.refuse();
  await vi.advanceTimersByTimeAsync(1000);
  expect(Source.all).toHaveLength(2);
  Source.all[1]?.refuse();
  await vi.advanceTimersByTimeAsync(1000);
  expect(Source.all).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1000);
  expect(Source.all).toHaveLength(3);
});

test("a connection that breaks is left to the browser, and told of", async () => {
  const lost = vi.fn();
  openStream("/events", { on: {}, lost });
  Source.all[0]?.onerror?.();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(lost).toHaveBeenCalledOnce();
  expect(Source.all).toHaveLength(1);
});

test("who may not go on is not asked again", async () => {
  openStream("/events", { on: {}, verdict: () => Promise.resolve("never") });
  Source.all[0]?.refuse();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(Source.all).toHaveLength(1);
});

test("a stream that was closed does not come back", async () => {
  const close = openStream("/events", { on: {} });
  Source.all[0]?.refuse();
  close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(Source.all).toHaveLength(1);
});

test("too many windows are told of, and the server is left in peace for as long as it asked for", async () => {
  const tooMany = vi.fn();
  const verdict = vi.fn<() => Promise<"now" | { waitS: number }>>();
  verdict.mockResolvedValueOnce({ waitS: 40 }).mockResolvedValue("now");
  openStream("/events", { on: {}, tooMany, verdict });
  Source.all[0]?.refuse();
  await vi.advanceTimersByTimeAsync(1000);
  expect(tooMany).toHaveBeenCalledExactlyOnceWith(40);
  await vi.advanceTimersByTimeAsync(39_000);
  expect([verdict.mock.calls.length, Source.all.length]).toEqual([1, 1]);
  await vi.advanceTimersByTimeAsync(1000);
  expect([verdict.mock.calls.length, Source.all.length]).toEqual([2, 2]);
});

test("a server that can't be reached is asked again", async () => {
  openStream("/events", { on: {}, verdict: () => Promise.reject(new TypeError("no network")) });
  Source.all[0]?.refuse();
  await vi.advanceTimersByTimeAsync(1000);
  expect(Source.all).toHaveLength(2);
});
