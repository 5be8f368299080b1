import { useCallback, useMemo, useSyncExternalStore } from "react";

import { readStored, store } from "./browser-storage";

/** What the browser did not take: here until the page is loaded anew. */
const unstored = new Map<string, string | null>();
const listeners = new Set<() => void>();

function listen(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("storage", listener); // another window of the same browser
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", listener);
  };
}

export interface Kept<Value> {
  value: Value | null;
  keep: (value: Value | null) => void;
  /** False: the browser's storage is forbidden or full, so that the last choice goes with this page. */
  isStored: boolean;
}

/**
 * A choice kept in this browser under `key`; null: none was made, or what is there does not fit (an older version's,
 * perhaps). No secrets go in here.
 */
export function useKept<Value>(key: string, fits: (value: unknown) => value is Value): Kept<Value> {
  const text = useSyncExternalStore(listen, () => read(key));
  const isStored = useSyncExternalStore(listen, () => !unstored.has(key));
  const value = useMemo(() => parse(text, fits), [text, fits]);
  const keep = useCallback(
    (next: Value | null) => write(key, next === null ? null : JSON.stringify(next)),
    [key],
  );
  return { value, keep, isStored };
}

function read(key: string): string | null {
  return unstored.get(key) ?? (unstored.has(key) ? null : readStored(key));
}

function write(key: string, text: string | null): void {
  if (store(key, text)) unstored.delete(key);
  else unstored.set(key, text);
  for (const listener of listeners) listener();
}

function parse<Value>(text: string | null, fits: (value: unknown) => value is Value): Value | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return fits(value) ? value : null;
  } catch {
    return null; // no JSON: not ours
  }
}

export function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
