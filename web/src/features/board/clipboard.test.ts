// Holds copying: what is pasted is like what was copied, with ids of its own and arrows between the copies.
import { describe, expect, it } from "vitest";
import type { BoardMark } from "@/wire";
import { type Copied, pasted, readCopied } from "./clipboard";

const mark = (pos: [number, number], rest: Partial<BoardMark> = {}): BoardMark => ({
  pos,
  size: [100, 100],
  text: "x",
  color: "neutral",
  ord: "a0",
  is_locked: true,
  created_by: "u",
  ...rest,
});

const copied: Copied = {
  v: 1,
  board: "b",
  objects: [
    { id: "arrow", kind: "edge", v: mark([0, 0], { from: "1", to: "2" }) },
    { id: "1", kind: "note", v: mark([0, 0]) },
    { id: "2", kind: "note", v: mark([200, 0], { ord: "a1" }) },
    { id: "loose", kind: "edge", v: mark([0, 0], { from: "1", to: "elsewhere" }) },
  ],
};

describe("pasting", () => {
  it("shifts copies, unlocks them and gives them the keys above", () => {
    const made = pasted(copied, [20, 20], true, ["b0", "b1"], "me");
    const notes = made.filter(({ kind }) => kind === "note");
    expect(notes.map(({ v }) => [v.pos, v.ord, v.is_locked, v.created_by])).toEqual([
      [[20, 20], "b0", false, "me"],
      [[220, 20], "b1", false, "me"],
    ]);
    expect(new Set(made.map(({ id }) => id)).size).toBe(made.length);
  });

  it("joins copies by copies of the arrows between them, after both ends, and drops the others", () => {
    const made = pasted(copied, [0, 0], true, ["b0", "b1"], "me");
    const arrows = made.filter(({ kind }) => kind === "edge");
    expect(arrows).toHaveLength(1);
    expect([arrows[0]?.v.from, arrows[0]?.v.to]).toEqual([made[0]?.id, made[1]?.id]);
  });

  it("puts the middle of all where it is told", () => {
    const [first] = pasted(copied, [1000, 1000], false, ["b0", "b1"], "me");
    expect(first?.v.pos).toEqual([850, 950]);
  });

  it("reads only what it wrote itself", () => {
    expect(readCopied(JSON.stringify(copied))?.objects).toHaveLength(4);
    expect(readCopied('{"v":1,"objects":[{"id":3}]}')?.objects).toEqual([]);
    expect(readCopied("hello")).toBeNull();
    expect(readCopied('{"v":2,"objects":[]}')).toBeNull();
  });
});
