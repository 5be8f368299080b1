import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { isTexts, useKept } from "./kept";

beforeEach(() => localStorage.clear());
afterEach(() => vi.restoreAllMocks());

test("a choice lasts, is the same everywhere, and can be taken back", () => {
  const one = renderHook(() => useKept("k", isTexts));
  const other = renderHook(() => useKept("k", isTexts));
  act(() => one.result.current.keep(["a"]));
  expect(other.result.current.value).toEqual(["a"]);
  expect(localStorage.getItem("k")).toBe('["a"]');
  act(() => other.result.current.keep(null));
  expect(one.result.current.value).toBeNull();
  expect(localStorage.getItem("k")).toBeNull();
});

test.each(["{", "[1]", '"a"'])("%j in the browser is no choice", (odd) => {
  localStorage.setItem("k", odd);
  expect(renderHook(() => useKept("k", isTexts)).result.current.value).toBeNull();
});

test("a choice that does not fit into the storage is there until the page goes, and that is said", () => {
  const { result } = renderHook(() => useKept("full", isTexts));
  expect(result.current.isStored).toBe(true);
  const full = vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
    throw new DOMException("full", "QuotaExceededError");
  });
  act(() => result.current.keep(["a"]));
  expect(result.current).toMatchObject({ value: ["a"], isStored: false });
  full.mockRestore();
  act(() => result.current.keep(["b"]));
  expect(result.current).toMatchObject({ value: ["b"], isStored: true });
});

test("where the storage is forbidden a choice can be made all the same", () => {
  vi.spyOn(window, "localStorage", "get").mockImplementation(() => {
    throw new DOMException("forbidden", "SecurityError");
  });
  const { result } = renderHook(() => useKept("forbidden", isTexts));
  expect(result.current.value).toBeNull();
  act(() => result.current.keep(["a"]));
  expect(result.current).toMatchObject({ value: ["a"], isStored: false });
  act(() => result.current.keep(null));
  expect(result.current.value).toBeNull();
});
