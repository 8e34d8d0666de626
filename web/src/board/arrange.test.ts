// Holds aligning, distributing and tidying: where each thing goes, and that nothing else moves.
import { describe, expect, it } from "vitest";
import { align, distribute, tidied } from "./arrange";

const thing = (id: string, x: number, y: number, w = 100, h = 50) => ({ id, rect: { x, y, w, h } });

describe("aligning", () => {
  it("brings things to the left side of the leftmost and leaves that one alone", () => {
    expect(align([thing("a", 0, 0), thing("b", 30, 80), thing("c", 0, 200)], "left")).toEqual([{ id: "b", pos: [0, 80] }]);
  });

  it("brings middles together whatever the heights are", () => {
    const moved = align([thing("a", 0, 0, 100, 100), thing("b", 200, 0, 100, 40)], "middle");
    expect(moved).toEqual([{ id: "b", pos: [200, 30] }]);
  });

  it("does nothing with one thing", () => {
    expect(align([thing("a", 3, 4)], "right")).toEqual([]);
  });
});

describe("distributing", () => {
  it("makes the gaps equal and leaves the outermost where they are", () => {
    const moved = distribute([thing("a", 0, 0), thing("c", 500, 0), thing("b", 110, 0)], "x");
    expect(moved).toEqual([{ id: "b", pos: [250, 0] }]);
  });

  it("needs three", () => {
    expect(distribute([thing("a", 0, 0), thing("b", 10, 0)], "x")).toEqual([]);
  });
});

describe("tidying up", () => {
  it("leaves no overlap, whatever there was before", () => {
    const things = Array.from({ length: 23 }, (_, index) => thing(`t${index}`, (index * 37) % 200, (index * 53) % 150, 60 + index * 7, 40));
    const places = new Map(things.map(({ id, rect }) => [id, { ...rect }]));
    for (const { id, pos } of tidied(things)) places.set(id, { ...(places.get(id) ?? thing(id, 0, 0).rect), x: pos[0], y: pos[1] });
    const rects = [...places.values()];
    for (const [index, a] of rects.entries()) {
      for (const b of rects.slice(index + 1)) {
        expect(a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h).toBe(false);
      }
    }
  });
});
