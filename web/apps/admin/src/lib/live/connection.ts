import { useSyncExternalStore } from "react";

/** How the page stands with the live stream of its organization. Moments in milliseconds. One stream at a time. */
export interface Break {
  /** Since when the page is not told of changes any more. */
  since: number;
  /** When the server is asked again, because it lets no more windows in; null: it was not that. */
  tooManyUntil: number | null;
}

let broken: Break | null = null;
const listeners = new Set<() => void>();

function set(value: Break | null): void {
  broken = value;
  for (const listener of listeners) listener();
}

export const connection = {
  /** The first moment counts. */
  lost: () => {
    if (broken === null) set({ since: Date.now(), tooManyUntil: null });
  },
  tooMany: (waitS: number) => {
    const now = Date.now();
    set({ since: broken?.since ?? now, tooManyUntil: now + waitS * 1000 });
  },
  there: () => {
    if (broken !== null) set(null);
  },
};

/** Null: the page is live. */
export function useBreak(): Break | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => broken,
  );
}
