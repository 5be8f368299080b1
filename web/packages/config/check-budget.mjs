/**
 * Holds the built application to its budgets: `node check-budget.mjs DIST`.
 *
 * Each JavaScript chunk is measured as it travels (gzip). Read from Vite's manifest: what a route loads beside
 * the shell is its own chunk with everything that it imports and the shell has not.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const KIB = 1024;
const MOST_ROUTE = 200 * KIB;
const MOST_SHELL = 260 * KIB; // React, Mantine, router, queries and texts of one language
const MOST_CSS = 60 * KIB;

const dist = process.argv[2];
if (dist === undefined) throw new Error("usage: check-budget.mjs DIST");
const manifest = JSON.parse(readFileSync(join(dist, ".vite/manifest.json"), "utf8"));
const sizes = new Map();
const problems = [];

function gzipped(file) {
  if (!sizes.has(file)) sizes.set(file, gzipSync(readFileSync(join(dist, file))).length);
  return sizes.get(file);
}

/** Keys of the manifest that `key` loads at once, itself among them. */
function closure(key, seen = new Set()) {
  if (seen.has(key)) return seen;
  seen.add(key);
  for (const imported of manifest[key].imports ?? []) closure(imported, seen);
  return seen;
}

function check(name, bytes, most) {
  const line = `${name.padEnd(52)} ${(bytes / KIB).toFixed(1).padStart(7)} of ${most / KIB} KiB`;
  process.stdout.write(`${line}\n`);
  if (bytes > most) problems.push(`${name}: ${(bytes / KIB).toFixed(1)} KiB gzip, at most ${most / KIB}`);
}

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
const shell = closure(entry);
const total = (keys) => [...keys].reduce((sum, key) => sum + gzipped(manifest[key].file), 0);

check("shell", total(shell), MOST_SHELL);
for (const key of Object.keys(manifest).filter((key) => manifest[key].isDynamicEntry)) {
  const own = [...closure(key)].filter((part) => !shell.has(part));
  check(manifest[key].src ?? key, total(own), MOST_ROUTE);
}
const css = new Set(Object.values(manifest).flatMap((chunk) => chunk.css ?? []));
for (const file of css) check(file, gzipped(file), MOST_CSS);

if (problems.length > 0) {
  process.stderr.write(`over budget:\n${problems.map((line) => `  ${line}\n`).join("")}`);
  process.exit(1);
}
