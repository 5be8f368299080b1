/**
 * Rows for a table that somebody points at: what is on screen keeps its place and shows its new content; rows that
 * came in above wait until the pointer has left, rows that follow the last one ("load more") are added.
 */
export function calmRows<Row>(
  shown: readonly Row[],
  fresh: readonly Row[],
  key: (row: Row) => string,
): Row[] {
  const byKey = new Map(fresh.map((row) => [key(row), row]));
  const kept = shown.map((row) => byKey.get(key(row)) ?? row);
  const last = shown.at(-1);
  const end = last === undefined ? -1 : fresh.findIndex((row) => key(row) === key(last));
  if (end === -1) return kept;
  const known = new Set(shown.map(key));
  return [...kept, ...fresh.slice(end + 1).filter((row) => !known.has(key(row)))];
}
