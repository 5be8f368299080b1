import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { describe, expect, test } from "vitest";

const css = readFileSync(resolve(import.meta.dirname, "tokens.css"), "utf8");
const [light = "", dark = ""] = css.split('[data-mantine-color-scheme="dark"]');

/** WCAG 2.2, success criterion 1.4.3: text needs this much contrast. */
const AA = 4.5;

function colours(block: string): Map<string, string> {
  return new Map(
    [...block.matchAll(/--sbs-([a-z-]+):\s*(#[0-9a-f]{6})/g)].map(([, name = "", hex = ""]) => [name, hex]),
  );
}

/** Relative luminance as WCAG defines it. */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [high = 0, low = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

const STATUS = ["success", "warning", "failed", "running", "quiet"];

describe.each([
  ["light", colours(light)],
  ["dark", colours(dark)],
])("in the %s scheme", (_, tokens) => {
  const colour = (name: string) => tokens.get(name) ?? expect.fail(`no colour ${name}`);

  test.each(STATUS)("%s can be read on its ground, on the page and on raised and sunk surfaces", (name) => {
    for (const ground of [`${name}-ground`, "page", "raised", "sunk"]) {
      expect(contrast(colour(name), colour(ground)), ground).toBeGreaterThanOrEqual(AA);
    }
  });

  test.each(["ink", "muted", "accent"])("%s can be read on every surface", (name) => {
    for (const ground of ["page", "raised", "sunk"]) {
      expect(contrast(colour(name), colour(ground)), ground).toBeGreaterThanOrEqual(AA);
    }
  });

  test("plain text can be read on the grounds of notices", () => {
    for (const name of STATUS) {
      expect(contrast(colour("ink"), colour(`${name}-ground`)), name).toBeGreaterThanOrEqual(AA);
    }
  });
});
