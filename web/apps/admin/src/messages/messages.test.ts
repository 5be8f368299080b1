import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { describe, expect, test } from "vitest";

import uiEn from "../../../../packages/ui/src/messages/en.json";
import uiRu from "../../../../packages/ui/src/messages/ru.json";
import appEn from "./en.json";
import appRu from "./ru.json";

const PLURAL = /_(zero|one|two|few|many|other)$/;

function flat(value: unknown, prefix = ""): Map<string, string> {
  if (typeof value === "string") return new Map([[prefix, value]]);
  const found = new Map<string, string>();
  for (const [key, part] of Object.entries(value as object)) {
    for (const [path, text] of flat(part, prefix === "" ? key : `${prefix}.${key}`)) found.set(path, text);
  }
  return found;
}

const bare = (keys: Iterable<string>) => [...new Set([...keys].map((key) => key.replace(PLURAL, "")))].sort();
/** What a text fills in. A plural form may do without its number: "the last snapshot". */
const holes = (text: string) =>
  [...text.matchAll(/{{\s*(\w+)/g)]
    .map(([, name]) => name)
    .filter((name) => name !== "count")
    .sort();

describe.each([
  ["ui", flat(uiEn), flat(uiRu)],
  ["app", flat(appEn), flat(appRu)],
])("the catalogue %s", (_, en, ru) => {
  test("says the same things in both languages", () => {
    expect(bare(ru.keys())).toEqual(bare(en.keys()));
  });

  test("has every plural form that each language needs", () => {
    for (const [keys, forms] of [
      [en, new Intl.PluralRules("en").resolvedOptions().pluralCategories],
      [ru, new Intl.PluralRules("ru").resolvedOptions().pluralCategories],
    ] as const) {
      const counted = bare([...keys.keys()].filter((key) => PLURAL.test(key)));
      for (const key of counted)
        for (const form of forms) expect(keys.has(`${key}_${form}`), `${key}_${form}`).toBe(true);
    }
  });

  test("fills in the same values in both languages", () => {
    for (const [key, text] of en) {
      const other = ru.get(key);
      if (other !== undefined) expect(holes(other), key).toEqual(holes(text));
    }
  });

  test("has no English left in Russian", () => {
    for (const [key, filled] of ru) {
      const text = filled.replace(/{{.*?}}/g, "");
      if (/[a-z]{3}/i.test(text) && !/[а-яё]/i.test(text))
        expect(["restic"], key).toContain(text.toLowerCase());
    }
  });
});

test("every text is used somewhere", () => {
  const root = resolve(import.meta.dirname, "../../../..");
  const sources = ["apps/admin/src", "packages/ui/src"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.tsx?$/.test(name) && !name.includes(".test."))
      .map((name) => readFileSync(join(root, folder, name), "utf8")),
  );
  const code = sources.join("\n");
  // Keys that are built from a value, t(`pages.${name}`), count as used with all that begins like them.
  const built = [...code.matchAll(/t\(`([\w.]+\.)\$\{/g)].map(([, prefix = ""]) => prefix);
  const unused = [...bare(flat(appEn).keys()), ...bare(flat(uiEn).keys())].filter(
    (key) => !built.some((prefix) => key.startsWith(prefix)) && !code.includes(`"${key}"`),
  );
  expect(unused).toEqual([]);
});
