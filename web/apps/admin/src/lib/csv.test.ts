import { expect, test } from "vitest";

import { csvLine } from "./csv";

test("quotes, commas and line ends stay inside of their cell", () => {
  expect(csvLine(['a "b"', "c,d", "e\nf", "plain"])).toBe('"a ""b""","c,d","e\nf",plain\r\n');
});

test.each(["=1+1", "+7", "-cmd", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])(
  "%j does not begin a formula",
  (text) => {
    expect(csvLine([text]).replace(/^"/, "")).toMatch(/^'/);
  },
);

test("numbers stay numbers, below zero too, and what is not known is empty", () => {
  expect(csvLine([-1, 1.5, null, undefined, ""])).toBe("-1,1.5,,,\r\n");
});

test("a sign inside of a text is nobody's formula", () => {
  expect(csvLine(["a=b", "Отчёт № 7"])).toBe("a=b,Отчёт № 7\r\n");
});

test("a hostname that would be a formula where cells end at semicolons is none", () => {
  const line = csvLine(["online", "web01;=cmd|'/C calc'!A0;", 5]);
  expect(cellsOf(line, ";")).toEqual([["online,web01", "'=cmd|'/C calc'!A0", ",5"]]);
  expect(cellsOf(line, ",")).toEqual([["online", "web01;'=cmd|'/C calc'!A0;", "5"]]);
});

test.each([",", ";", "\t"])(
  "whatever a text is, no cell begins a formula where cells end at %j",
  (separator) => {
    for (const text of textsOf(["=", ";", ",", '"', "\n", "\t", " ", "a"], 4)) {
      const cells = cellsOf(csvLine([text, "b", text]), separator).flat();
      expect(
        cells.filter((cell) => /^\s*=/.test(cell)),
        JSON.stringify(text),
      ).toEqual([]);
    }
  },
);

/** All texts of up to so many of these signs. */
function textsOf(signs: readonly string[], longest: number): string[] {
  if (longest === 0) return [""];
  const shorter = textsOf(signs, longest - 1);
  return ["", ...signs.flatMap((sign) => shorter.map((text) => sign + text))];
}

/** Reads as spreadsheets do: quotes count at the beginning of a cell alone, and what follows their end belongs to it. */
function cellsOf(file: string, separator: string): string[][] {
  const lines: string[][] = [];
  let cells: string[] = [];
  let rest = file;
  while (rest !== "") {
    const [whole, quoted, plain = ""] = CELLS[separator]?.exec(rest) ?? [];
    if (whole === undefined) throw new Error(`no cell: ${rest}`);
    cells.push((quoted ?? "").replaceAll('""', '"') + plain);
    rest = rest.slice(whole.length);
    if (rest.startsWith(separator)) {
      rest = rest.slice(1);
      if (rest !== "") continue;
    }
    lines.push(cells);
    cells = [];
    rest = rest.replace(/^(\r\n|\r|\n)/, "");
  }
  return lines;
}

const CELLS: Record<string, RegExp> = {
  ",": /^(?:"((?:[^"]|"")*)(?:"|$))?([^,\r\n]*)/,
  ";": /^(?:"((?:[^"]|"")*)(?:"|$))?([^;\r\n]*)/,
  "\t": /^(?:"((?:[^"]|"")*)(?:"|$))?([^\t\r\n]*)/,
};
