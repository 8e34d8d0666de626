// Holds threads of comments: what belongs together, and who is called by which words.
import { describe, expect, it } from "vitest";
import { TopicStore } from "@/net/topic";
import type { Comment } from "@/wire";
import { CommentIndex, callAt, mentioned, threadsOf, withCalls } from "./model";

const comment = (id: string, parent: string | null, at: number): Comment => ({
  id,
  anchor: { kind: "point", board: "b", pos: [0, 0] },
  parent,
  text: id,
  mentions: [],
  is_resolved: false,
  resolved_by: null,
  created_by: "u",
  created_at_ms: at,
  edited_at_ms: null,
});

describe("threads", () => {
  it("hold their answers in the order in which they were given", () => {
    const [thread] = threadsOf([comment("r2", "t", 30), comment("t", null, 10), comment("r1", "t", 20)]);
    expect(thread?.replies.map(({ id }) => id)).toEqual(["r1", "r2"]);
  });

  it("leave out an answer whose thread is gone", () => {
    expect(threadsOf([comment("r", "gone", 1)])).toEqual([]);
  });

  it("are told anew only when a comment changes", () => {
    const store = new TopicStore();
    store.snapshot("e", 1, { c: { kind: "comment", v: { ...comment("c", null, 1) } }, n: { kind: "note", v: { pos: [0, 0] } } });
    const index = new CommentIndex(store);
    let told = 0;
    index.subscribe(() => {
      told += 1;
    });
    const before = index.threads;
    store.mutate("m1", [{ op: "set", id: "n", k: "pos", v: [5, 5] }]);
    expect(index.threads).toBe(before);
    store.mutate("m2", [{ op: "set", id: "c", k: "is_resolved", v: true }]);
    expect(told).toBe(1);
    expect(index.threads[0]?.root.is_resolved).toBe(true);
  });
});

describe("calls", () => {
  const people = [
    { id: "1", name: "Ana" },
    { id: "2", name: "Ana Maria" },
    { id: "3", name: "Bo" },
  ];

  it("mean the longest name that fits", () => {
    expect(mentioned("look, @Ana Maria", people)).toEqual(["2"]);
    expect(mentioned("@bo and @ana: look", people)).toEqual(["1", "3"]);
    expect(mentioned("nobody here", people)).toEqual([]);
  });

  it("stand out in the text, once", () => {
    expect(withCalls("hi @Ana Maria and @Ana", ["Ana", "Ana Maria"])).toBe("hi **@Ana Maria** and **@Ana**");
    expect(withCalls("mail a@Ana", ["Ana"])).toBe("mail a@Ana");
  });

  it("are found where the caret is, not in the middle of a word", () => {
    expect(callAt("hello @an", 9)).toEqual({ start: 6, typed: "an" });
    expect(callAt("mail@an", 7)).toBeNull();
    expect(callAt("hello @", 7)).toEqual({ start: 6, typed: "" });
  });
});
