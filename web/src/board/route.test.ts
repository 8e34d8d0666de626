// Holds the ways of lines: where they begin and end, how far a click is from them, and that they stay in their area.
import { describe, expect, it } from "vitest";
import { areaOf, distanceTo, pointAt, routeOf } from "./route";

const rect = (x: number, y: number) => ({ x, y, w: 100, h: 50 });

describe("routes", () => {
  it("leave below and arrive above when the other thing is lower", () => {
    const { from, to } = routeOf(rect(0, 0), rect(300, 200));
    expect([from, to]).toEqual([
      [50, 50],
      [350, 200],
    ]);
  });

  it("go from side to side when both are level", () => {
    const { from, to } = routeOf(rect(300, 0), rect(0, 20));
    expect([from, to]).toEqual([
      [300, 25],
      [100, 45],
    ]);
  });

  it("are hit on the curve and missed beside it", () => {
    const route = routeOf(rect(0, 0), rect(300, 200));
    expect(distanceTo(route, pointAt(route, 0.37))).toBeLessThan(1);
    expect(distanceTo(route, [350, 60])).toBeGreaterThan(40);
  });

  it("never leave the area that is said to hold them", () => {
    for (const to of [rect(300, 200), rect(-400, 10), rect(20, -300), rect(5, 8)]) {
      const route = routeOf(rect(0, 0), to);
      const area = areaOf(route);
      for (let step = 0; step <= 20; step += 1) {
        const [x, y] = pointAt(route, step / 20);
        expect(x).toBeGreaterThanOrEqual(area.x - 0.001);
        expect(x).toBeLessThanOrEqual(area.x + area.w + 0.001);
        expect(y).toBeGreaterThanOrEqual(area.y - 0.001);
        expect(y).toBeLessThanOrEqual(area.y + area.h + 0.001);
      }
    }
  });
});
