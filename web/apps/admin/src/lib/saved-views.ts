/** Views of a list that a person has given a name: a filter, an order and columns. No React in here. */

import { isTexts } from "./kept";

export interface SavedView {
  name: string;
  /** The search part of the list's address. The route drops what it does not understand (any more). */
  search: Record<string, unknown>;
  /** Ids of columns; null: those that the list has by itself. */
  columns: readonly string[] | null;
}

export function areViews(value: unknown): value is SavedView[] {
  return Array.isArray(value) && value.every(isView);
}

function isView(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { name, search, columns } = value as Record<string, unknown>;
  const isSearch = typeof search === "object" && search !== null && !Array.isArray(search);
  return typeof name === "string" && isSearch && (columns === null || isTexts(columns));
}

/** With the view in it, in the place of one of the same name. */
export function withView(views: readonly SavedView[], view: SavedView): SavedView[] {
  const others = views.filter((each) => each.name !== view.name);
  return [...others, view].sort((one, other) => one.name.localeCompare(other.name));
}

/** Whether both show the same rows in the same columns. */
export function isSameView(one: Omit<SavedView, "name">, other: Omit<SavedView, "name">): boolean {
  return plain(one) === plain(other);
}

function plain({ search, columns }: Omit<SavedView, "name">): string {
  const asked = Object.entries(search).filter(([, value]) => value !== undefined);
  return JSON.stringify([asked.sort(([a], [b]) => (a < b ? -1 : 1)), columns]);
}
