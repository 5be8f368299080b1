import { Button } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { calmRows } from "./calm-rows";
import { TableHead } from "./data-table-head";
import { TableLine } from "./data-table-line";
import type { Column, Selection, Sorting } from "./data-table-parts";
import styles from "./data-table.module.css";

export type { Column, Selection, Sorting } from "./data-table-parts";

interface Props<Row> {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** What is listed, such as the filter: where it changes, rows change at once, wherever the pointer is. */
  of?: unknown;
  /** Opens a row: Enter on it, or a click beside its links and buttons. */
  open?: (row: Row) => void;
  /** In which order the rows are; columns that have `sorts` change it. */
  sort?: Sorting | undefined;
  /** Rows can be chosen, for acts on several. */
  selection?: Selection<Row> | undefined;
  /** The next page, where there is one. */
  more?: { load: () => void; loading: boolean } | undefined;
}

/** Lists longer than this show only the rows in view. */
const VIRTUAL_ABOVE = 150;
/** The next page of a long list is asked for when so many rows are left. */
const AHEAD = 10;
/** What a column without a width in pixels gets at least. */
const LEAST_WIDTH = 110;
/** Of the column with the boxes, as in the style sheet. */
const CHOOSE_WIDTH = 40;
export const ROW_HEIGHT = 35;

/**
 * A dense table: sticky header, arrow keys between rows, Enter opens. Long lists draw the rows in view alone.
 */
export function DataTable<Row>(props: Props<Row>) {
  const { t } = useTranslation("ui");
  const { columns, more, selection } = props;
  const [rows, hover] = useCalmRows(props);
  const scroller = useRef<HTMLDivElement>(null);
  const isLong = rows.length > VIRTUAL_ABOVE;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    enabled: isLong,
  });
  const shown = isLong ? virtual.getVirtualItems() : rows.map((_, index) => ({ index, start: 0, end: 0 }));
  const seen = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    // Whoever scrolls a long list to its end goes on without pressing anything.
    if (isLong && more !== undefined && !more.loading && seen >= rows.length - AHEAD) more.load();
  }, [isLong, more, seen, rows.length]);
  const before = isLong ? (shown[0]?.start ?? 0) : 0;
  const cells = columns.length + (selection === undefined ? 0 : 1);
  const after = isLong ? virtual.getTotalSize() - (shown.at(-1)?.end ?? 0) : 0;

  return (
    <div ref={scroller} className={styles.scroller} data-long={isLong}>
      <table
        className={styles.table}
        style={{ minWidth: leastWidth(columns) + (selection === undefined ? 0 : CHOOSE_WIDTH) }}
        aria-label={props.label}
        aria-rowcount={more ? -1 : rows.length + 1}
      >
        <TableHead columns={columns} sort={props.sort} selection={selection} keys={rows.map(props.rowKey)} />
        <tbody onPointerEnter={() => hover(true)} onPointerLeave={() => hover(false)}>
          <Gap height={before} columns={cells} />
          {shown.map(({ index }) => {
            const row = rows[index];
            return row === undefined ? null : (
              <TableLine
                key={props.rowKey(row)}
                row={row}
                id={props.rowKey(row)}
                index={index}
                columns={columns}
                selection={selection}
                open={props.open}
              />
            );
          })}
          <Gap height={after} columns={cells} />
        </tbody>
      </table>
      {more === undefined ? null : (
        <div className={styles.more}>
          <Button variant="subtle" size="xs" onClick={more.load} loading={more.loading}>
            {t("table.more")}
          </Button>
        </div>
      )}
    </div>
  );
}

/** Pixels that the columns need which are always there; below, the table scrolls. */
function leastWidth<Row>(columns: readonly Column<Row>[]): number {
  return columns
    .filter((column) => column.minor !== true)
    .reduce(
      (sum, { width }) => sum + (width?.endsWith("px") === true ? parseInt(width, 10) : LEAST_WIDTH),
      0,
    );
}

/** Rows that do not move under the pointer. */
function useCalmRows<Row>({ rows, rowKey, of }: Props<Row>): [readonly Row[], (hovered: boolean) => void] {
  const [held, hold] = useState<{ rows: readonly Row[]; of: string } | null>(null);
  const listed = JSON.stringify(of ?? null);
  const isHeld = held !== null && held.of === listed;
  return [
    isHeld ? calmRows(held.rows, rows, rowKey) : rows,
    (hovered) => hold(hovered ? { rows, of: listed } : null),
  ];
}

function Gap({ height, columns }: { height: number; columns: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden>
      <td colSpan={columns} style={{ height, padding: 0, border: 0 }} />
    </tr>
  );
}
