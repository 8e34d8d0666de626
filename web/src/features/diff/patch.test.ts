// Unified diffs are read with the right numbers.
import { describe, expect, it } from "vitest";
import { parsePatch } from "./patch";

describe("parsePatch", () => {
  it("numbers the lines of both sides and leaves the file headers out", () => {
    const lines = parsePatch("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -3,3 +3,4 @@ fn\n same\n-old\n+new\n+more\n end\n");
    expect(lines.map(({ kind, before, after }) => [kind, before, after])).toEqual([
      ["hunk", null, null],
      ["same", 3, 3],
      ["del", 4, null],
      ["add", null, 4],
      ["add", null, 5],
      ["same", 5, 6],
    ]);
  });

  it("does not take changed lines that begin with dashes or pluses for headers", () => {
    const lines = parsePatch("--- a/x\n+++ b/x\n@@ -1 +1 @@\n--- gone\n+++ come\n\\ No newline at end of file\n");
    expect(lines.map(({ kind, text }) => [kind, text])).toEqual([
      ["hunk", "@@ -1 +1 @@"],
      ["del", "-- gone"],
      ["add", "++ come"],
      ["note", "No newline at end of file"],
    ]);
  });

  it("takes nothing for nothing", () => {
    expect(parsePatch("")).toEqual([]);
  });
});
