import { useSyncExternalStore } from "react";

/** Since when the page is not told of changes any more (milliseconds); null: it is. One stream at a time. */
let lostSince: number | null = null;
const listeners = new Set<() => void>();

function set(value: number | null): void {
  if ((value === null) === (lostSince === null)) return; // the first moment counts
  lostSince = value;
  for (const listener of listeners) listener();
}

export const connection = {
  lost: () => set(Date.now()),
  there: () => set(null),
};

export function useLostSince(): number | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => lostSince,
  );
}
