import { BYTE_ORDER_MARK, csvLine, type Cell } from "./csv";
import type { Ask } from "./queries/pages";

/** Rows in one request: as many as the API gives. */
const PAGE = 500;
/** More rows than this are no table for people any more; who is cut off is told so. */
export const MOST_ROWS = 100_000;

export interface ExportColumn<Row> {
  header: string;
  value: (row: Row) => Cell;
}

export interface Exported {
  file: Blob;
  rows: number;
  /** There are more rows than the file has. */
  cut: boolean;
}

/** Sorted by what never changes; a row has the same place from the first page to the last. */
const STABLE = /^-?(created|taken)_at$/;
/** Which every list offers whose own order may change. */
const NEWEST_FIRST = "-created_at";

/**
 * The order in which a list is read for a file. In one of what changes meanwhile (when an agent was seen last, a name)
 * rows would be left out that go behind the cursor, and be there twice that go before it.
 */
export function exportOrder<Sort extends string>(shown: Sort): Sort | typeof NEWEST_FIRST {
  return STABLE.test(shown) ? shown : NEWEST_FIRST;
}

interface Options {
  signal: AbortSignal;
  /** How many rows there are so far. */
  told: (rows: number) => void;
  most?: number;
}

/** Asks for page after page and makes one CSV file of them. Throws what the API answered; then there is no file. */
export async function exportList<Row>(
  ask: Ask<Row>,
  columns: readonly ExportColumn<Row>[],
  { signal, told, most = MOST_ROWS }: Options,
): Promise<Exported> {
  const lines = [BYTE_ORDER_MARK, csvLine(columns.map((column) => column.header))];
  let rows = 0;
  let cursor: string | undefined;
  do {
    const page = await ask({ cursor, signal, limit: Math.min(PAGE, most - rows) });
    signal.throwIfAborted();
    for (const row of page.items) lines.push(csvLine(columns.map((column) => column.value(row))));
    rows += page.items.length;
    told(rows);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && rows < most);
  const file = new Blob(lines, { type: "text/csv;charset=utf-8" });
  return { file, rows, cut: cursor !== undefined };
}

/** Gives a file to the reader, as any download. */
export function saveFile(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The download has taken its own reference by the next turn.
  setTimeout(() => URL.revokeObjectURL(url));
}
