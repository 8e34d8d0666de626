// Rules of the source that the linter does not know: length of files, first lines, layers.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = import.meta.dirname;
const LINES_MAX = 400;

function sources(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return entry.name === "wire" ? [] : sources(path);
    return /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

const files = sources(ROOT).map((path) => ({ name: relative(ROOT, path), text: readFileSync(path, "utf8") }));

describe("source", () => {
  it("has no file over the limit", () => {
    expect(files.filter(({ text }) => text.split("\n").length > LINES_MAX + 1).map(({ name }) => name)).toEqual([]);
  });

  it("says in the first line of each file what it is for", () => {
    const silent = files.filter(({ name, text }) => !name.endsWith(".d.ts") && !text.startsWith("// "));
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  it("keeps React out of the engine and the net layer", () => {
    const isBelow = (name: string) => name.startsWith("board/") || name.startsWith("net/");
    const reaching = files.filter(({ name, text }) => isBelow(name) && /from "(react|react-dom|@\/(app|features|ui)\/)/.test(text));
    expect(reaching.map(({ name }) => name)).toEqual([]);
  });
});
