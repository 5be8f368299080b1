/** Tables as CSV that spreadsheets open as it was meant. No React in here. */

export type Cell = string | number | null | undefined;

/** Excel takes a file without it for one in the computer's old character set. */
export const BYTE_ORDER_MARK = "\uFEFF";

/**
 * What a spreadsheet would take for a formula and work out: names of machines, folders and jobs are anybody's words.
 * The wide forms count in Asian versions.
 */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/u;

/** A line of RFC 4180, with its end. Texts that look like formulas get an apostrophe before; numbers stay numbers. */
export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

function csvCell(cell: Cell): string {
  if (cell === null || cell === undefined) return "";
  if (typeof cell === "number") return String(cell);
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
