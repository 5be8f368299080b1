import { Checkbox } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconSelector } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { nextSort, sortedBy, withKeys, type Column, type Selection, type Sorting } from "./data-table-parts";
import styles from "./data-table.module.css";

interface Props<Row> {
  columns: readonly Column<Row>[];
  sort: Sorting | undefined;
  selection: Selection<Row> | undefined;
  /** Of the rows that are there. */
  keys: readonly string[];
}

/** The line of headers: what they mean, in which order the rows are, and all of them to be chosen at once. */
export function TableHead<Row>({ columns, sort, selection, keys }: Props<Row>) {
  // What is left over goes to a column that has no width, never to the boxes.
  const isAnyFree = columns.some((column) => column.width === undefined);
  return (
    <thead>
      <tr>
        {selection === undefined ? null : (
          <th scope="col" className={styles.choose}>
            <ChooseAll selection={selection} keys={keys} />
          </th>
        )}
        {columns.map((column, index) => (
          <th
            key={column.id}
            scope="col"
            data-numeric={column.numeric}
            data-minor={column.minor}
            aria-sort={sortedBy(column.sorts, sort?.by)}
            style={{ width: index === 0 && !isAnyFree ? undefined : column.width }}
          >
            <Header column={column} sort={sort} />
          </th>
        ))}
      </tr>
    </thead>
  );
}

function Header<Row>({ column, sort }: { column: Column<Row>; sort: Sorting | undefined }) {
  const { sorts } = column;
  if (column.quietHeader === true) return <span className="sbs-unseen">{column.header}</span>;
  if (sort === undefined || sorts === undefined) return column.header;
  const direction = sortedBy(sorts, sort.by);
  const Icon =
    direction === undefined ? IconSelector : direction === "ascending" ? IconArrowUp : IconArrowDown;
  return (
    <button
      type="button"
      className={styles.sort}
      data-sorted={direction !== undefined}
      onClick={() => sort.change(nextSort(sorts, sort.by))}
    >
      {column.header}
      <Icon size={14} aria-hidden />
    </button>
  );
}

function ChooseAll<Row>({ selection, keys }: { selection: Selection<Row>; keys: readonly string[] }) {
  const { t } = useTranslation("ui");
  const chosen = keys.filter((key) => selection.chosen.has(key)).length;
  const isAll = chosen > 0 && chosen === keys.length;
  return (
    <Checkbox
      size="xs"
      aria-label={t("table.chooseAll")}
      checked={isAll}
      indeterminate={chosen > 0 && !isAll}
      onChange={() => selection.choose(withKeys(selection.chosen, keys, !isAll))}
    />
  );
}
