import { act, renderHook } from "@testing-library/react";
import { beforeEach, expect, test } from "vitest";

import { isTexts, useKept } from "./kept";

beforeEach(() => localStorage.clear());

test("a choice lasts, is the same everywhere, and can be taken back", () => {
  const one = renderHook(() => useKept("k", isTexts));
  const other = renderHook(() => useKept("k", isTexts));
  act(() => one.result.current[1](["a"]));
  expect(other.result.current[0]).toEqual(["a"]);
  expect(localStorage.getItem("k")).toBe('["a"]');
  act(() => other.result.current[1](null));
  expect(one.result.current[0]).toBeNull();
  expect(localStorage.getItem("k")).toBeNull();
});

test.each(["{", "[1]", '"a"'])("%j in the browser is no choice", (odd) => {
  localStorage.setItem("k", odd);
  expect(renderHook(() => useKept("k", isTexts)).result.current[0]).toBeNull();
});
