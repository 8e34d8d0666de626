// Other people on the board: what is shown of them, where, and when it goes.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Peer } from "@/net/presence";
import type { Presence } from "@/wire";
import { CursorLayer, edgeOf, type PeopleFrame } from "./cursors";

const WINDOW = { width: 1000, height: 600 };

function peer(presence: Presence, change: Partial<Peer["identity"]> = {}): Peer {
  const identity = { user: "u1", name: "Ana", emoji: "", slot: 3, is_agent: false, ...change };
  return { id: "p1", identity, presence, movedAt: 0 };
}

function frame(peers: Peer[], change: Partial<PeopleFrame> = {}): PeopleFrame {
  const view = { x: 0, y: 0, z: 1 };
  return { peers, view, ...WINDOW, isViewMoving: false, now: 0, rectOf: () => null, ...change };
}

describe("CursorLayer", () => {
  let root: HTMLElement;
  let layer: CursorLayer;
  const shown = (selector: string) => [...root.querySelectorAll<HTMLElement>(selector)];

  beforeEach(() => {
    vi.useFakeTimers();
    root = document.createElement("div");
    layer = new CursorLayer(root, () => undefined);
  });
  afterEach(() => {
    layer.close();
    vi.useRealTimers();
  });

  it("puts a pointer with its name where it is in the window", () => {
    layer.draw(frame([peer({ cur: [100, 50] })], { view: { x: 10, y: 20, z: 2 } }));
    expect(shown(".peer-cursor").map((it) => [it.textContent, it.style.transform])).toEqual([["Ana", "translate(210.0px, 120.0px)"]]);
  });

  it("fades a pointer that rests for five seconds and removes it with its person", () => {
    const ana = peer({ cur: [100, 50] });
    layer.draw(frame([ana], { now: 4_999 }));
    expect(shown(".peer-cursor")[0]?.style.opacity).toBe("1");
    layer.draw(frame([ana], { now: 5_000 }));
    expect(shown(".peer-cursor")[0]?.style.opacity).toBe("0");
    layer.draw(frame([]));
    expect(shown(".peer-cursor")).toEqual([]);
  });

  it("draws an agent as a square flag", () => {
    layer.draw(frame([peer({ cur: [1, 1] }, { is_agent: true })]));
    expect(shown(".peer-cursor.is-agent rect")).toHaveLength(1);
  });

  it("points to people off screen instead, and leads there when clicked", () => {
    const seen: string[] = [];
    layer.onEdge = (id) => seen.push(id);
    layer.draw(frame([peer({ cur: [3_000, 300] })]));
    expect(shown(".peer-cursor")).toEqual([]);
    shown(".peer-edge")[0]?.click();
    expect(seen).toEqual(["p1"]);
  });

  it("does not point to people who are away", () => {
    layer.draw(frame([peer({ cur: [3_000, 300], seen: "away" })]));
    expect(shown(".peer-edge")).toEqual([]);
  });

  it("outlines what others selected, as long as it is on screen", () => {
    const rects: Record<string, { x: number; y: number; w: number; h: number }> = {
      a: { x: 10, y: 10, w: 100, h: 50 },
      far: { x: 9_000, y: 0, w: 10, h: 10 },
    };
    layer.draw(frame([peer({ sel: ["a", "far", "gone"] })], { rectOf: (id) => rects[id] ?? null }));
    expect(shown(".peer-outline").map((it) => [it.dataset.of, it.style.width])).toEqual([["a", "108px"]]);
    layer.draw(frame([peer({})], { rectOf: (id) => rects[id] ?? null }));
    expect(shown(".peer-outline")).toEqual([]);
  });

  it("shows nobody who is hidden, and nobody at all when switched off", () => {
    layer.draw(frame([peer({ cur: [1, 1], seen: "hidden" })]));
    expect(root.children).toHaveLength(0);
    layer.isOff = true;
    layer.draw(frame([peer({ cur: [1, 1], sel: ["a"] })], { rectOf: () => ({ x: 0, y: 0, w: 1, h: 1 }) }));
    expect(root.children).toHaveLength(0);
  });

  it("keeps one element for one person and renames it", () => {
    layer.draw(frame([peer({ cur: [1, 1] })]));
    const before = shown(".peer-cursor")[0];
    layer.draw(frame([peer({ cur: [2, 2] }, { name: "Anna" })]));
    expect(shown(".peer-cursor")).toEqual([before]);
    expect(before?.textContent).toBe("Anna");
  });
});

describe("edgeOf", () => {
  it("is nothing for a point on screen", () => {
    expect(edgeOf(500, 300, 1000, 600)).toBeNull();
  });

  it("stands at the edge and points outwards", () => {
    expect(edgeOf(2_000, 300, 1000, 600)).toEqual({ x: 974, y: 300, angle: 0 });
    expect(edgeOf(500, -400, 1000, 600)?.angle).toBeCloseTo(-Math.PI / 2);
  });
});
