// Put compressed copies (.br, .gz) beside the text files of a build: node scripts/compress_assets.mjs FOLDER
// Done once here, at the best level, so that no server has to do it for each request.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const KINDS = new Set([".css", ".html", ".js", ".json", ".mjs", ".svg", ".txt", ".wasm", ".webmanifest"]);
// A file that fits into one packet gains nothing.
const SMALLEST_BYTES = 1024;

const folder = process.argv[2];
for (const name of readdirSync(folder, { recursive: true })) {
    const path = join(folder, name);
    if (!KINDS.has(extname(path)) || statSync(path).size < SMALLEST_BYTES) continue;
    const content = readFileSync(path);
    const hint = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
    const copies = [
        [".br", brotliCompressSync(content, { params: hint })],
        [".gz", gzipSync(content, { level: 9 })],
    ];
    for (const [suffix, copy] of copies) {
        if (copy.length < content.length) writeFileSync(path + suffix, copy);
    }
}
