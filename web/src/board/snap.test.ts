// Holds how things click into place when they are moved, drawn and resized.
import { describe, expect, it } from "vitest";
import { GRID, resized, snapMoved, snapSides } from "./snap";

const rect = (x: number, y: number, w = 100, h = 60) => ({ x, y, w, h });

describe("snapping", () => {
  it("goes to the grid when nothing is near", () => {
    const { dx, dy, guides } = snapMoved(rect(13, 29), [], 6);
    expect([13 + dx, 29 + dy]).toEqual([GRID, 20]);
    expect(guides).toEqual([]);
  });

  it("prefers the side of another thing in reach over the grid, and says so by a guide", () => {
    const { dx, guides } = snapMoved(rect(204, 300), [rect(207, 0)], 6);
    expect(dx).toBe(3);
    expect(guides).toContainEqual({ axis: "x", at: 207, from: 0, to: 360 });
  });

  it("lines up middles as well as sides", () => {
    const { dy, guides } = snapMoved(rect(400, 18, 100, 60), [rect(0, 0, 100, 100)], 6);
    expect(dy).toBe(2);
    expect(guides.map(({ axis, at }) => [axis, at])).toContainEqual(["y", 50]);
  });

  it("does not reach further than it is told", () => {
    const { dx } = snapMoved(rect(200, 0), [rect(215, 300)], 6);
    expect(dx).toBe(0);
  });

  it("moves only the sides that a handle moves", () => {
    const { dx, dy } = snapSides(rect(0, 0, 97, 55), [1, 0], [], 6);
    expect([dx, dy]).toEqual([3, 0]);
  });
});

describe("resizing", () => {
  it("keeps the opposite corner where it is", () => {
    expect(resized(rect(10, 10), [-1, -1], -20, -30, [10, 10])).toEqual({ x: -10, y: -20, w: 120, h: 90 });
  });

  it("never makes a thing smaller than it may be", () => {
    expect(resized(rect(10, 10), [-1, 1], 500, -500, [40, 30])).toEqual({ x: 70, y: 10, w: 40, h: 30 });
  });

  it("keeps the shape when it is asked to", () => {
    const { w, h } = resized(rect(0, 0, 200, 100), [1, 1], 100, 0, [20, 20], true);
    expect(w / h).toBeCloseTo(2);
    expect(w).toBe(300);
  });
});
