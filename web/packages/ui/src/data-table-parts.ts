import type { ReactNode } from "react";

export interface Column<Row> {
  /** Stable, for React and for styles. */
  id: string;
  header: string;
  /** The header is for screen readers only: the column speaks for itself. */
  quietHeader?: boolean;
  cell: (row: Row) => ReactNode;
  /** A CSS width of the column; the rest is shared. */
  width?: string;
  numeric?: boolean;
  /** Left out where the table has little room. */
  minor?: boolean;
  /** The orders that can be asked for by this column, the first click's first; a minus turns one around. */
  sorts?: readonly string[];
}

export interface Sorting {
  /** The order of the rows, in the words of the columns' `sorts`. */
  by: string | undefined;
  /** Undefined: the order that the list has by itself. */
  change: (by: string | undefined) => void;
}

export interface Selection<Row> {
  /** Keys of the chosen rows. */
  chosen: ReadonlySet<string>;
  choose: (keys: ReadonlySet<string>) => void;
  /** What a row is called. */
  nameOf: (row: Row) => string;
}

/** The set with the keys in it, or without them. */
export function withKeys(chosen: ReadonlySet<string>, keys: readonly string[], isIn: boolean): Set<string> {
  const after = new Set(chosen);
  for (const key of keys) {
    if (isIn) after.add(key);
    else after.delete(key);
  }
  return after;
}

/** What a click on a column asks for: its orders one after the other, then the list's own. */
export function nextSort(sorts: readonly string[], by: string | undefined): string | undefined {
  const at = by === undefined ? -1 : sorts.indexOf(by);
  return sorts[at + 1];
}

/** How a column stands, in the words of aria-sort; undefined: the rows are in another column's order. */
export function sortedBy(
  sorts: readonly string[] | undefined,
  by: string | undefined,
): "ascending" | "descending" | undefined {
  if (by === undefined || sorts?.includes(by) !== true) return undefined;
  return by.startsWith("-") ? "descending" : "ascending";
}
