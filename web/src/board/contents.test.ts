// Holds what the engine knows of a board: what moves with what, arrows that follow their ends, the order of the pile, the tree.
import { beforeEach, describe, expect, it } from "vitest";
import { TopicStore } from "@/net/topic";
import type { TopicObject } from "@/wire";
import { Contents } from "./contents";
import { keysAbove, restacked } from "./order";
import { outlineOf } from "./outline";

let store: TopicStore;
let contents: Contents;

const mark = (kind: string, pos: [number, number], size: [number, number], rest: Record<string, unknown> = {}): TopicObject => ({
  kind,
  v: { pos, size, text: "", color: "neutral", ord: "", is_locked: false, created_by: "u", ...rest },
});

function lay(state: Record<string, TopicObject>): void {
  store.snapshot("e", 1, state);
  contents.update(new Set(Object.keys(state)));
}

beforeEach(() => {
  store = new TopicStore();
  contents = new Contents(store);
});

describe("contents", () => {
  it("take along what lies in a zone, but not what is locked", () => {
    lay({
      zone: mark("zone", [0, 0], [400, 400]),
      inside: mark("note", [50, 50], [100, 100]),
      fixed: mark("note", [200, 200], [100, 100], { is_locked: true }),
      outside: mark("note", [390, 390], [100, 100]),
    });
    expect(contents.movers(["zone"])).toEqual(new Set(["zone", "inside"]));
    expect(contents.movers(["fixed"])).toEqual(new Set());
  });

  it("put the handle of an arrow between its ends, and move it with them", () => {
    lay({
      a: mark("note", [0, 0], [100, 100]),
      b: mark("note", [400, 0], [100, 100]),
      arrow: mark("edge", [0, 0], [20, 20], { from: "a", to: "b" }),
    });
    const before = contents.items.get("arrow")?.rect;
    expect(before && before.x + before.w / 2).toBe(250);
    store.mutate("m1", [{ op: "set", id: "b", k: "pos", v: [800, 0] }]);
    contents.update(new Set(["b"]));
    const after = contents.items.get("arrow")?.rect;
    expect(after && after.x + after.w / 2).toBe(450);
  });

  it("show no arrow whose end is gone, also when the end goes first", () => {
    lay({
      a: mark("note", [0, 0], [100, 100]),
      b: mark("note", [400, 0], [100, 100]),
      arrow: mark("edge", [0, 0], [20, 20], { from: "a", to: "b" }),
    });
    store.mutate("m1", [{ op: "del", id: "a" }]);
    contents.update(new Set(["a"]));
    expect(contents.items.has("arrow")).toBe(false);
    store.mutate("m2", [{ op: "del", id: "arrow" }]);
    contents.update(new Set(["arrow"]));
    expect(contents.links.size).toBe(0);
  });
});

describe("the pile", () => {
  it("takes new things on top", () => {
    lay({ a: mark("note", [0, 0], [100, 100], { ord: "a0" }), b: mark("note", [0, 0], [100, 100], { ord: "a5" }) });
    const [first = "", second = ""] = keysAbove(contents.items.values(), 2);
    expect(first > "a5" && second > first).toBe(true);
  });

  it("brings things to the front and the back in their own order", () => {
    lay({
      a: mark("note", [0, 0], [100, 100], { ord: "a0" }),
      b: mark("note", [0, 0], [100, 100], { ord: "a1" }),
      c: mark("note", [0, 0], [100, 100], { ord: "a2" }),
    });
    const front = restacked(contents.items.values(), new Set(["a", "b"]), "front");
    const [a = "", b = ""] = [front.get("a"), front.get("b")];
    expect(a > "a2" && b > a).toBe(true);
    const back = restacked(contents.items.values(), new Set(["c"]), "back");
    expect((back.get("c") ?? "z") < "a0").toBe(true);
  });
});

describe("the outline", () => {
  it("puts things into their zone, arrows below their source, and reads like the board", () => {
    lay({
      zone: mark("zone", [0, 0], [400, 400]),
      note: mark("note", [50, 50], [100, 100]),
      far: mark("note", [900, 0], [100, 100]),
      arrow: mark("edge", [0, 0], [20, 20], { from: "note", to: "far" }),
    });
    expect(outlineOf(contents, new Set()).map(({ id, level }) => `${level} ${id}`)).toEqual(["1 zone", "2 note", "3 arrow", "1 far"]);
    expect(outlineOf(contents, new Set(["zone"])).map(({ id }) => id)).toEqual(["zone", "far"]);
  });

  it("ends even where sessions claim each other as parents", () => {
    const card = (parent: string): TopicObject => ({
      kind: "session",
      v: { pos: [0, 0], title: "t", state: "idle", parent, relation: "spawn" },
    });
    lay({ a: card("b"), b: card("a"), c: card("a") });
    expect(outlineOf(contents, new Set()).length).toBeLessThanOrEqual(3);
  });
});
