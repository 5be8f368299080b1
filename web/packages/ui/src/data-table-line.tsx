import { Checkbox } from "@mantine/core";
import type { KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";

import { withKeys, type Column, type Selection } from "./data-table-parts";
import styles from "./data-table.module.css";

interface Props<Row> {
  row: Row;
  id: string;
  index: number;
  columns: readonly Column<Row>[];
  selection: Selection<Row> | undefined;
  open: ((row: Row) => void) | undefined;
}

/** A row of the table. */
export function TableLine<Row>({ row, id, index, columns, selection, open }: Props<Row>) {
  const isChosen = selection?.chosen.has(id) === true;
  return (
    // The links in it do the same for the keyboard; the row itself only makes their target larger.
    <tr
      aria-rowindex={index + 2}
      // The row can be reached for its arrow keys; its links and buttons are reached by Tab by themselves.
      tabIndex={open === undefined ? undefined : -1}
      data-opens={open !== undefined}
      data-chosen={isChosen}
      onClick={(event) => {
        if (open !== undefined && !isControl(event.target)) open(row);
      }}
      onKeyDown={(event) => {
        moveBetweenRows(event);
        if (open !== undefined && event.key === "Enter" && event.target === event.currentTarget) open(row);
      }}
    >
      {selection === undefined ? null : <Choose row={row} id={id} selection={selection} />}
      {columns.map((column) => (
        <td key={column.id} data-numeric={column.numeric} data-minor={column.minor}>
          {column.cell(row)}
        </td>
      ))}
    </tr>
  );
}

function Choose<Row>({ row, id, selection }: { row: Row; id: string; selection: Selection<Row> }) {
  const { t } = useTranslation("ui");
  return (
    // Beside the box is not "open the row": who misses it by a little does not lose the page.
    <td className={styles.choose} data-choose>
      <Checkbox
        size="xs"
        aria-label={t("table.choose", { name: selection.nameOf(row) })}
        checked={selection.chosen.has(id)}
        onChange={(event) => selection.choose(withKeys(selection.chosen, [id], event.currentTarget.checked))}
      />
    </td>
  );
}

function isControl(target: EventTarget): boolean {
  const controls = "a, button, input, label, [role=menuitem], [data-choose]";
  if (!(target instanceof Element) || target.closest(controls) !== null) return true;
  return (getSelection()?.toString() ?? "") !== ""; // the reader is marking text
}

/** Arrow keys go from row to row, and to the same control in it where the focus was on one. */
function moveBetweenRows(event: KeyboardEvent<HTMLTableRowElement>) {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const row = event.currentTarget;
  const other = event.key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling;
  if (!(other instanceof HTMLElement)) return;
  event.preventDefault();
  const control = event.target instanceof HTMLInputElement ? "input[type=checkbox]" : "a, button";
  (other.querySelector<HTMLElement>(control) ?? other).focus();
}
