// Geometry of the board: zoom, culling, hits, neighbours.
import { describe, expect, it } from "vitest";
import * as geo from "./geometry";
import { SpatialGrid } from "./grid";
import { nextMounted } from "./mount";

const card = (x: number, y: number): geo.Rect => ({ x, y, w: 300, h: 140 });

describe("viewport", () => {
  it("keeps the point below the pointer while it zooms", () => {
    const view = { x: 40, y: -20, z: 0.8 };
    const before = geo.toBoard(view, 333, 222);
    const after = geo.toBoard(geo.zoomedAt(view, 333, 222, 1.7), 333, 222);
    expect(after[0]).toBeCloseTo(before[0], 6);
    expect(after[1]).toBeCloseTo(before[1], 6);
  });

  it("does not zoom beyond its bounds", () => {
    expect(geo.zoomedAt({ x: 0, y: 0, z: 1 }, 0, 0, 1e6).z).toBe(geo.ZOOM_MAX);
    expect(geo.zoomedAt({ x: 0, y: 0, z: 1 }, 0, 0, 1e-6).z).toBe(geo.ZOOM_MIN);
  });

  it("maps there and back", () => {
    const view = { x: 12, y: 34, z: 0.37 };
    const [x, y] = geo.toBoard(view, ...geo.toWindow(view, 512, -77));
    expect([Math.round(x), Math.round(y)]).toEqual([512, -77]);
  });

  it("fits everything in, in the middle, and never enlarges", () => {
    const area = geo.bounds([card(0, 0), card(5_000, 3_000)]);
    if (!area) throw new Error("two cards have bounds");
    const view = geo.fitted(area, 1_000, 800);
    const seen = geo.shown(view, 1_000, 800);
    expect(seen.x).toBeLessThan(area.x);
    expect(seen.x + seen.w).toBeGreaterThan(area.x + area.w);
    expect(geo.centre(seen).map(Math.round)).toEqual(geo.centre(area).map(Math.round));
    expect(geo.fitted(card(0, 0), 4_000, 4_000).z).toBe(1);
    expect(geo.bounds([])).toBeNull();
  });
});

describe("SpatialGrid", () => {
  it("finds exactly what a look at all of them finds", () => {
    const grid = new SpatialGrid();
    const rects = new Map<string, geo.Rect>();
    for (let index = 0; index < 400; index += 1) {
      const rect = { x: ((index * 7_919) % 9_000) - 4_500, y: ((index * 104_729) % 7_000) - 3_500, w: 300, h: 140 };
      rects.set(`c${index}`, rect);
      grid.put(`c${index}`, rect);
    }
    for (const area of [card(-200, -200), { x: -3_000, y: -1_000, w: 2_500, h: 1_800 }, { x: -1e5, y: -1e5, w: 2e5, h: 2e5 }]) {
      const slow = [...rects].filter(([, rect]) => geo.overlaps(rect, area)).map(([id]) => id);
      expect(grid.query(area).sort()).toEqual(slow.sort());
    }
  });

  it("follows an object that moves, and forgets one that goes", () => {
    const grid = new SpatialGrid();
    grid.put("a", card(0, 0));
    grid.put("a", card(5_000, 0));
    expect(grid.query(card(0, 0))).toEqual([]);
    expect(grid.query(card(5_100, 0))).toEqual(["a"]);
    grid.remove("a");
    expect(grid.query(card(5_100, 0))).toEqual([]);
    expect(grid.size).toBe(0);
  });

  it("finds a huge zone from anywhere inside of it", () => {
    const grid = new SpatialGrid();
    grid.put("zone", { x: -50_000, y: -50_000, w: 100_000, h: 100_000 });
    expect(grid.query(card(12_345, -6_789))).toEqual(["zone"]);
  });
});

describe("neighbour", () => {
  const others: [string, geo.Rect][] = [
    ["right", card(400, 0)],
    ["far right", card(900, 0)],
    ["below", card(0, 240)],
    ["askew", card(330, 900)],
  ];

  it("takes the nearest in the direction", () => {
    expect(geo.neighbour(card(0, 0), others, "right")).toBe("right");
    expect(geo.neighbour(card(0, 0), others, "down")).toBe("below");
    expect(geo.neighbour(card(0, 0), others, "left")).toBeNull();
  });

  it("counts a step to the side as longer than one ahead", () => {
    const found = geo.neighbour(
      card(0, 0),
      [
        ["aside", card(100, 300)],
        ["ahead", card(0, 500)],
      ],
      "down",
    );
    expect(found).toBe("ahead");
  });
});

describe("mount budget", () => {
  it("mounts the nearest first and a few at a time, and drops what is not wanted", () => {
    const wanted = Array.from({ length: 20 }, (_, index) => `c${index}`);
    const distance = (id: string) => Math.abs(Number(id.slice(1)) - 10);
    const first = nextMounted(new Set(["gone"]), wanted, distance, 3);
    expect([...first.mounted].sort()).toEqual(["c10", "c11", "c9"]);
    expect([first.isDone, first.isChanged]).toEqual([false, true]);
    let mounted = first.mounted;
    for (let frame = 0; frame < 6; frame += 1) mounted = nextMounted(mounted, wanted, distance, 3).mounted;
    expect(mounted.size).toBe(20);
    expect(nextMounted(mounted, wanted, distance, 3)).toMatchObject({ isDone: true, isChanged: false });
  });
});
