import { queryOptions } from "@tanstack/react-query";

import type { RunProgress } from "../queries/runs";

/** How fast a run was at a moment (milliseconds), in bytes in a second. */
export interface RatePoint {
  at: number;
  rate: number;
}

/** What a page has heard of a run's speed since it was opened. */
export interface Rates {
  points: readonly RatePoint[];
  /** The last word of each command: targets side by side tell of themselves, each by its own. */
  last: Readonly<Record<string, RatePoint>>;
}

/** Who has said nothing for so long is done, or stands still. */
const SILENT_MS = 5000;
/** More points than this are made fewer: the plot is not wider. */
const MOST_POINTS = 240;

/** Filled by the live stream; never asked for. */
export function ratesQuery(org: string, runId: string) {
  return queryOptions<Rates | null>({
    queryKey: [org, "rates", runId],
    queryFn: () => null,
    staleTime: Infinity,
  });
}

/** With what the progress says: the speed of all of the run's commands together. */
export function addRate(
  before: Rates | null | undefined,
  progress: Pick<RunProgress, "command_id" | "bytes_per_second">,
  now: number,
): Rates {
  const { points, last } = before ?? { points: [], last: {} };
  const { command_id: id, bytes_per_second: rate } = progress;
  if (rate === null) return { points, last };
  const heard = Object.entries({ ...last, [id]: { at: now, rate } }).filter(
    ([, point]) => now - point.at < SILENT_MS,
  );
  const sum = heard.reduce((total, [, point]) => total + point.rate, 0);
  return { points: thinned([...points, { at: now, rate: sum }]), last: Object.fromEntries(heard) };
}

/** Half as many points, each the mean of two, once there are too many. */
function thinned(points: readonly RatePoint[]): readonly RatePoint[] {
  if (points.length <= MOST_POINTS) return points;
  return points.flatMap((point, index) => {
    const next = points[index + 1];
    if (index % 2 === 1) return [];
    return next === undefined ? [point] : [{ at: next.at, rate: (point.rate + next.rate) / 2 }];
  });
}
