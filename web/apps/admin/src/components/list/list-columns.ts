import type { Column } from "@sbs/ui/data-table";

import type { Cell } from "../../lib/csv";
import { isTexts, useKept } from "../../lib/kept";
import { useSession } from "../../lib/organization";

/** A column of a list page: what the table shows, and what the exported file says. */
export interface ListColumn<Row> extends Column<Row> {
  /** False: only for who has chosen it. */
  atFirst?: boolean;
  /** For machines: whole numbers, times of RFC 3339. */
  csv: (row: Row) => Cell;
  /** Where the file has to say more than the table: a unit. */
  csvHeader?: string;
}

export interface ColumnChoice<Row> {
  /** All that there are. */
  all: readonly ListColumn<Row>[];
  shown: readonly ListColumn<Row>[];
  /** Ids of those that the person has chosen; null: as the list has them by itself. */
  chosen: readonly string[] | null;
  choose: (ids: readonly string[] | null) => void;
  /** False: the browser does not keep the choice. */
  isStored: boolean;
}

/** Which columns a person wants to see in a list; kept in this browser. The first one is always there. */
export function useColumnChoice<Row>(list: string, all: readonly ListColumn<Row>[]): ColumnChoice<Row> {
  const { user } = useSession();
  const { value: chosen, keep, isStored } = useKept(`sbs.columns.${user.id}.${list}`, isTexts);
  return {
    all,
    shown: shownColumns(all, chosen),
    chosen,
    choose: (ids) => keep(ids === null ? null : [...ids]),
    isStored,
  };
}

export function shownColumns<Row>(
  all: readonly ListColumn<Row>[],
  chosen: readonly string[] | null,
): readonly ListColumn<Row>[] {
  if (chosen === null) return all.filter((column) => column.atFirst !== false);
  return (
    all
      .filter((column, index) => index === 0 || chosen.includes(column.id))
      // What was asked for is there in a narrow window too: the table scrolls.
      .map((column) => ({ ...column, minor: false }))
  );
}
