import type { RatePoint } from "../../lib/live/rates";

/** A line through the points in a square of 100 by 100 whose lower edge is zero: an SVG path. */
export function outline(points: readonly RatePoint[]): string {
  const first = points[0]?.at ?? 0;
  const span = Math.max(1, (points.at(-1)?.at ?? 0) - first);
  const most = Math.max(1, ...points.map((point) => point.rate));
  const corners = points.map(({ at, rate }) => `${part((at - first) / span)} ${part(1 - rate / most)}`);
  return `M${corners.join(" L")}`;
}

function part(share: number): string {
  return String(Math.round(share * 10_000) / 100);
}
