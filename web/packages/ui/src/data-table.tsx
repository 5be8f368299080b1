import { Button } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { calmRows } from "./calm-rows";
import styles from "./data-table.module.css";

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
}

interface Props<Row> {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** What is listed, such as the filter: where it changes, rows change at once, wherever the pointer is. */
  of?: unknown;
  /** Opens a row: Enter on it, or a click beside its links and buttons. */
  open?: (row: Row) => void;
  /** The next page, where there is one. */
  more?: { load: () => void; loading: boolean } | undefined;
}

/** Lists longer than this show only the rows in view. */
const VIRTUAL_ABOVE = 150;
/** The next page of a long list is asked for when so many rows are left. */
const AHEAD = 10;
/** What a column without a width in pixels gets at least. */
const LEAST_WIDTH = 110;
export const ROW_HEIGHT = 35;

/**
 * A dense table: sticky header, arrow keys between rows, Enter opens. Long lists draw the rows in view alone.
 */
export function DataTable<Row>(props: Props<Row>) {
  const { t } = useTranslation("ui");
  const { columns, more } = props;
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
  const after = isLong ? virtual.getTotalSize() - (shown.at(-1)?.end ?? 0) : 0;

  return (
    <div ref={scroller} className={styles.scroller} data-long={isLong}>
      <table
        className={styles.table}
        style={{ minWidth: leastWidth(columns) }}
        aria-label={props.label}
        aria-rowcount={more ? -1 : rows.length + 1}
      >
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.id}
                scope="col"
                data-numeric={column.numeric}
                data-minor={column.minor}
                style={{ width: column.width }}
              >
                {column.quietHeader === true ? (
                  <span className="sbs-unseen">{column.header}</span>
                ) : (
                  column.header
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody onPointerEnter={() => hover(true)} onPointerLeave={() => hover(false)}>
          <Gap height={before} columns={columns.length} />
          {shown.map(({ index }) => {
            const row = rows[index];
            return row === undefined ? null : (
              <Line key={props.rowKey(row)} row={row} index={index} table={props} />
            );
          })}
          <Gap height={after} columns={columns.length} />
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

function Line<Row>({ row, index, table }: { row: Row; index: number; table: Props<Row> }) {
  const { open, columns } = table;
  return (
    // The links in it do the same for the keyboard; the row itself only makes their target larger.
    <tr
      aria-rowindex={index + 2}
      // The row can be reached for its arrow keys; its links and buttons are reached by Tab by themselves.
      tabIndex={open === undefined ? undefined : -1}
      data-opens={open !== undefined}
      onClick={(event) => {
        if (open !== undefined && !isControl(event.target)) open(row);
      }}
      onKeyDown={(event) => {
        moveBetweenRows(event);
        if (open !== undefined && event.key === "Enter" && event.target === event.currentTarget) open(row);
      }}
    >
      {columns.map((column) => (
        <td key={column.id} data-numeric={column.numeric} data-minor={column.minor}>
          {column.cell(row)}
        </td>
      ))}
    </tr>
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

function isControl(target: EventTarget): boolean {
  if (!(target instanceof Element) || target.closest("a, button, input, label, [role=menuitem]") !== null)
    return true;
  return (getSelection()?.toString() ?? "") !== ""; // the reader is marking text
}

/** Arrow keys go from row to row, and to the same control in it where the focus was on one. */
function moveBetweenRows(event: KeyboardEvent<HTMLTableRowElement>) {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const row = event.currentTarget;
  const other = event.key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling;
  if (!(other instanceof HTMLElement)) return;
  event.preventDefault();
  (other.querySelector<HTMLElement>("a, button") ?? other).focus();
}
