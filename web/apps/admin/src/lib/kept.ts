import { useCallback, useMemo, useSyncExternalStore } from "react";

const listeners = new Set<() => void>();

function listen(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("storage", listener); // another window of the same browser
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", listener);
  };
}

/**
 * A choice kept in this browser under `key`; null: none was made, or what is there does not fit (an older version's,
 * perhaps). No secrets go in here.
 */
export function useKept<Value>(
  key: string,
  fits: (value: unknown) => value is Value,
): [Value | null, (value: Value | null) => void] {
  const text = useSyncExternalStore(listen, () => localStorage.getItem(key));
  const value = useMemo(() => parse(text, fits), [text, fits]);
  const keep = useCallback(
    (next: Value | null) => {
      if (next === null) localStorage.removeItem(key);
      else localStorage.setItem(key, JSON.stringify(next));
      for (const listener of listeners) listener();
    },
    [key],
  );
  return [value, keep];
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
