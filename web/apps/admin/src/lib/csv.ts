/** Tables as CSV that spreadsheets open as it was meant. No React in here. */

export type Cell = string | number | null | undefined;

/** Excel takes a file without it for one in the computer's old character set. */
export const BYTE_ORDER_MARK = "\uFEFF";

/**
 * Where a spreadsheet could begin a cell with what it takes for a formula and works out: names of machines, folders and
 * jobs are anybody's words. Where the decimal sign is a comma (Russian, German, …) cells end at semicolons, and our
 * quotes count for nothing in the midst of such a cell. The wide forms count in Asian versions.
 */
const FORMULA = /(?<=^|[;\t\r\n])(?=["\s]*[=+\-@＝＋－＠])/gu;

/** A line of RFC 4180, with its end. What looks like a formula gets an apostrophe before; numbers stay numbers. */
export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

function csvCell(cell: Cell): string {
  if (cell === null || cell === undefined) return "";
  if (typeof cell === "number") return String(cell);
  const text = cell.replace(FORMULA, "'");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
