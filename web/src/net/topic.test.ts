// Rules of the topic store: order, gaps, pending mutations, refusal, resume.
import { describe, expect, it, vi } from "vitest";
import type { Event, Op } from "@/wire";
import { TopicStore } from "./topic";

const set = (id: string, k: string, v: unknown): Op => ({ op: "set", id, k, v });
const event = (seq: number, ops: Op[], mid?: string): Event => ({ seq, at: 0, via: "web", kind: "test", ops, ...(mid && { mid }) });

function loaded(): TopicStore {
  const store = new TopicStore();
  store.snapshot("e1", 4, { a: { kind: "note", v: { pos: [0, 0], text: "one" } } });
  return store;
}

describe("TopicStore", () => {
  it("applies events in order and ignores those it has", () => {
    const store = loaded();
    expect(store.apply([event(4, [set("a", "text", "old")]), event(5, [set("a", "text", "two")])])).toBe("ok");
    expect(store.get("a")?.v.text).toBe("two");
    expect(store.seq).toBe(5);
  });

  it("stops at a gap and keeps what came before it", () => {
    const store = loaded();
    expect(store.apply([event(5, [set("a", "text", "two")]), event(7, [set("a", "text", "four")])])).toBe("gap");
    expect(store.seq).toBe(5);
    expect(store.get("a")?.v.text).toBe("two");
  });

  it("shows a pending mutation at once and over newer events of others", () => {
    const store = loaded();
    store.mutate("m:1", [set("a", "pos", [10, 10])]);
    store.apply([event(5, [set("a", "pos", [99, 99])])]);
    expect(store.get("a")?.v.pos).toEqual([10, 10]);
  });

  it("settles a mutation by its own event", () => {
    const store = loaded();
    store.mutate("m:1", [set("a", "pos", [10, 10])]);
    store.apply([event(5, [set("a", "pos", [10, 10])], "m:1")]);
    expect(store.unanswered()).toHaveLength(0);
    store.apply([event(6, [set("a", "pos", [7, 7])])]);
    expect(store.get("a")?.v.pos).toEqual([7, 7]);
  });

  it("takes a refused mutation back to the newest confirmed value", () => {
    const store = loaded();
    store.mutate("m:1", [set("a", "text", "mine"), { op: "put", id: "b", kind: "note", v: { pos: [1, 1] } }]);
    store.apply([event(5, [set("a", "text", "theirs")])]);
    expect(store.nack("m:1")).toBe(true);
    expect(store.get("a")?.v.text).toBe("theirs");
    expect(store.get("b")).toBeUndefined();
    expect(store.nack("m:1")).toBe(false);
  });

  it("shows a change that is acknowledged over older events until its own event is here", () => {
    const store = loaded();
    store.mutate("m:1", [set("a", "text", "mine")]);
    store.ack("m:1", 6);
    expect(store.unanswered()).toHaveLength(0);
    store.apply([event(5, [set("a", "text", "older")])]);
    expect(store.get("a")?.v.text).toBe("mine");
    store.apply([event(6, [set("a", "text", "mine")], "m:1"), event(7, [set("a", "text", "newer")])]);
    expect(store.get("a")?.v.text).toBe("newer");
  });

  it("settles an acknowledged change by a snapshot that has its event", () => {
    const store = loaded();
    store.mutate("m:1", [set("a", "text", "mine")]);
    store.ack("m:1", 6);
    store.snapshot("e1", 8, { a: { kind: "note", v: { text: "newer" } } });
    expect(store.get("a")?.v.text).toBe("newer");
  });

  it("settles on the acknowledgement when a snapshot brought the event already", () => {
    const store = loaded();
    store.mutate("m:1", [set("a", "text", "mine")]);
    store.snapshot("e1", 9, { a: { kind: "note", v: { pos: [0, 0], text: "mine" } } });
    store.ack("m:1", 8);
    expect(store.unanswered()).toHaveLength(0);
    expect(store.get("a")?.v.text).toBe("mine");
  });

  it("replaces everything with a snapshot but keeps pending changes on top", () => {
    const store = loaded();
    store.mutate("m:1", [set("c", "text", "mine")]);
    store.snapshot("e2", 1, { c: { kind: "note", v: { text: "theirs" } } });
    expect(store.get("a")).toBeUndefined();
    expect(store.get("c")?.v.text).toBe("mine");
    expect([store.epoch, store.seq]).toEqual(["e2", 1]);
  });

  it("tells only the readers of objects that changed", () => {
    const store = loaded();
    const a = vi.fn();
    const b = vi.fn();
    store.subscribe("a", a);
    const stop = store.subscribe("b", b);
    store.apply([event(5, [set("a", "text", "two")])]);
    expect([a.mock.calls.length, b.mock.calls.length]).toEqual([1, 0]);
    stop();
    store.apply([event(6, [{ op: "put", id: "b", kind: "note", v: {} }])]);
    expect(b).not.toHaveBeenCalled();
  });

  it("lets a deletion win over a later set", () => {
    const store = loaded();
    store.apply([event(5, [{ op: "del", id: "a" }]), event(6, [set("a", "text", "ghost")])]);
    expect(store.get("a")).toBeUndefined();
  });
});
