import { Tooltip } from "@mantine/core";
import { useSyncExternalStore } from "react";

import { useFormat } from "./use-format";

/** One clock for all relative times of the page: they change together, every ten seconds. */
const TICK_MS = 10_000;
const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function listen(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** Milliseconds since the epoch, renewed every ten seconds. */
export function useNow(): number {
  return useSyncExternalStore(listen, () => now);
}

interface Props {
  /** RFC 3339; null shows a dash. */
  at: string | null | undefined;
}

/** "3 minutes ago", with the exact time on hover and for machines. */
export function RelativeTime({ at }: Props) {
  const format = useFormat();
  const shown = useNow();
  if (at === null || at === undefined) return <span>–</span>;
  const date = new Date(at);
  // What happened after the last tick happened "now", not "in 3 seconds".
  const reference = new Date(Math.max(shown, Math.min(date.getTime(), Date.now())));
  return (
    <Tooltip label={format.exact(date)}>
      <time dateTime={at} className="sbs-number">
        {format.relative(date, reference)}
      </time>
    </Tooltip>
  );
}

/** Date and time themselves, with seconds and zone on hover. */
export function ExactTime({ at }: Props) {
  const format = useFormat();
  if (at === null || at === undefined) return <span>–</span>;
  const date = new Date(at);
  return (
    <Tooltip label={format.exact(date)}>
      <time dateTime={at} className="sbs-number">
        {format.short(date)}
      </time>
    </Tooltip>
  );
}
