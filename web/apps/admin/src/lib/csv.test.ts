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
