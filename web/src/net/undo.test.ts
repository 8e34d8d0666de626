// Undo puts back what this window did, and nothing that somebody else has changed since.
import { describe, expect, it } from "vitest";
import type { Event, Op } from "@/wire";
import { TopicStore } from "./topic";
import { History } from "./undo";

const set = (id: string, k: string, v: unknown): Op => ({ op: "set", id, k, v });

/** One window on a board, with the answers of the server played by hand. */
class Window {
  readonly store = new TopicStore();
  readonly history = new History(this.store);
  private count = 0;

  constructor() {
    this.store.snapshot("e", 10, { a: { kind: "note", v: { pos: [0, 0], text: "one" } } });
  }
  event(ops: Op[], by: string, mid?: string): void {
    const event: Event = { seq: this.store.seq + 1, at: 0, by, via: "web", kind: "t", ops, ...(mid && { mid }) };
    this.store.apply([event]);
  }
  confirm(mid: string, ops: Op[]): void {
    this.event(ops, "me", mid);
    this.history.acked(mid, this.store.seq);
  }
  /** Does something and has it confirmed. */
  act(...ops: Op[]): string {
    this.count += 1;
    const mid = `m:${this.count}`;
    this.history.record(mid, ops);
    this.store.mutate(mid, ops);
    this.confirm(mid, ops);
    return mid;
  }
  /** Takes a step; `false` when it is refused. */
  step(direction: "undo" | "redo"): Op[] | string {
    const outcome = this.history.next(direction, () => false);
    if (outcome.kind !== "ops") return outcome.kind === "refused" ? `${outcome.reason} ${outcome.by ?? ""}`.trim() : outcome.kind;
    this.count += 1;
    const mid = `m:${this.count}`;
    this.history.start(mid, outcome.step, direction);
    this.store.mutate(mid, outcome.ops);
    this.confirm(mid, outcome.ops);
    return outcome.ops;
  }
  get text(): unknown {
    return this.store.get("a")?.v.text;
  }
}

describe("History", () => {
  it("brings two things and the arrow between them back, each once and the arrow last", () => {
    const window = new Window();
    window.act({ op: "put", id: "b", kind: "note", v: { text: "b" } }, { op: "put", id: "e", kind: "edge", v: { from: "a", to: "b" } });
    const removal: Op[] = [
      { op: "del", id: "a" },
      { op: "del", id: "b" },
    ];
    window.history.record("m:gone", removal);
    window.store.mutate("m:gone", removal);
    // The server removes the arrow with its first end.
    window.confirm("m:gone", [{ op: "del", id: "e" }, ...removal]);
    const ops = window.step("undo");
    expect(Array.isArray(ops) && ops.map(({ op, id }) => `${op} ${id}`)).toEqual(["put b", "put a", "put e"]);
  });

  it("takes several changes of one property back, and makes them again", () => {
    const window = new Window();
    window.act(set("a", "text", "two"));
    window.act(set("a", "text", "three"));
    expect(window.step("undo")).toEqual([{ op: "set", id: "a", k: "text", v: "two", if: 12 }]);
    window.step("undo");
    expect(window.text).toBe("one");
    window.step("redo");
    window.step("redo");
    expect(window.text).toBe("three");
    expect(window.step("redo")).toBe("nothing");
  });

  it("refuses to take back what somebody else has changed since, and says who", () => {
    const window = new Window();
    window.act(set("a", "text", "two"));
    window.event([set("a", "text", "theirs")], "bruno");
    expect(window.step("undo")).toBe("newer bruno");
    expect(window.text).toBe("theirs");
    expect(window.history.canUndo).toBe(false);
  });

  it("refuses a step below somebody else's change, also after a newer own step was taken back", () => {
    const window = new Window();
    window.act(set("a", "text", "two"));
    window.event([set("a", "text", "theirs")], "bruno");
    window.act(set("a", "text", "three"));
    window.step("undo");
    expect(window.text).toBe("theirs");
    expect(window.step("undo")).toMatch(/^newer/);
    expect(window.text).toBe("theirs");
  });

  it("does not mind what somebody else did to another property", () => {
    const window = new Window();
    window.act(set("a", "text", "two"));
    window.event([set("a", "pos", [9, 9])], "bruno");
    window.step("undo");
    expect(window.store.get("a")?.v).toEqual({ pos: [9, 9], text: "one" });
  });

  it("removes an object that it made, unless somebody has worked on it", () => {
    const window = new Window();
    window.act({ op: "put", id: "b", kind: "note", v: { pos: [1, 1], text: "" } });
    window.act({ op: "put", id: "c", kind: "note", v: { pos: [2, 2], text: "" } });
    window.event([set("c", "text", "worked on")], "bruno");
    expect(window.step("undo")).toBe("newer bruno");
    window.step("undo");
    expect([...window.store.entries()].map(([id]) => id)).toEqual(["a", "c"]);
  });

  it("compares before it removes, so that a faster change of somebody else is noticed", () => {
    const window = new Window();
    window.act({ op: "put", id: "b", kind: "note", v: { pos: [1, 1], text: "" } });
    window.act(set("b", "text", "mine"));
    window.step("undo");
    expect(window.step("undo")).toEqual([{ op: "del", id: "b", if: 13 }]);
  });

  it("brings a deleted object back with the edges that went with it, and older steps still work", () => {
    const window = new Window();
    window.act(set("a", "text", "two"));
    window.event([{ op: "put", id: "e", kind: "edge", v: { from: "a", to: "x" } }], "bruno");
    window.history.record("m:del", [{ op: "del", id: "a" }]);
    window.confirm("m:del", [
      { op: "del", id: "a" },
      { op: "del", id: "e" },
    ]);
    window.step("undo");
    expect(window.store.get("e")?.v).toEqual({ from: "a", to: "x" });
    expect(window.text).toBe("two");
    window.step("undo");
    expect(window.text).toBe("one");
  });

  it("takes a change that has not left yet out of the queue, and makes it again later", () => {
    const window = new Window();
    const ops = [set("a", "text", "two")];
    window.history.record("m:x", ops);
    window.store.mutate("m:x", ops);
    expect(window.history.next("undo", (mid) => mid === "m:x")).toEqual({ kind: "cancel", mid: "m:x" });
    window.store.nack("m:x");
    expect(window.text).toBe("one");
    window.step("redo");
    expect(window.text).toBe("two");
    window.step("undo");
    expect(window.text).toBe("one");
  });

  it("waits for the answer to a change that is on its way", () => {
    const window = new Window();
    window.history.record("m:x", [set("a", "text", "two")]);
    window.store.mutate("m:x", [set("a", "text", "two")]);
    expect(window.step("undo")).toBe("unsaved");
    window.confirm("m:x", [set("a", "text", "two")]);
    window.step("undo");
    expect(window.text).toBe("one");
  });

  it("forgets a change that the server refused", () => {
    const window = new Window();
    window.act(set("a", "text", "two"));
    window.history.record("m:x", [set("a", "text", "refused")]);
    expect(window.history.nacked("m:x")).toBeNull();
    window.step("undo");
    expect(window.text).toBe("one");
  });

  it("has nothing to make again after a new change", () => {
    const window = new Window();
    window.act(set("a", "text", "two"));
    window.step("undo");
    window.act(set("a", "text", "other"));
    expect(window.history.canRedo).toBe(false);
  });

  it("forgets an object that was made and given up at once, and nothing before it", () => {
    const window = new Window();
    window.act(set("a", "text", "two"));
    window.act({ op: "put", id: "t", kind: "text", v: { text: "" } });
    expect(window.history.retract("a")).toBe(false);
    expect(window.history.retract("t")).toBe(true);
    window.event([{ op: "del", id: "t" }], "me");
    window.step("undo");
    expect([window.text, window.store.get("t")]).toEqual(["one", undefined]);
  });

  it("keeps a removal that can be undone when more was done with the object than making it", () => {
    const window = new Window();
    window.act({ op: "put", id: "t", kind: "text", v: { text: "" } });
    window.act(set("t", "text", "words"));
    expect(window.history.retract("t")).toBe(false);
    expect(window.history.canUndo).toBe(true);
  });
});
