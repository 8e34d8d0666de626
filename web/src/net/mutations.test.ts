// Changes on their way: kept across a reload, paced, bounded, never sent in somebody else's name.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ClientFrame, Op } from "@/wire";
import type { KeptChange } from "./keep";
import { MemoryKeep } from "./memory-keep";
import { Mutations, type Outlet, type Refusal, WAITING_MAX } from "./mutations";
import { TopicStore } from "./topic";
import { History } from "./undo";

const CH = "board:b1";
const move = (x: number): Op[] => [{ op: "set", id: "a", k: "pos", v: [x, 0] }];

function outlet(): Outlet {
  const store = new TopicStore();
  store.snapshot("e", 1, { a: { kind: "note", v: { pos: [0, 0] } } });
  return { ch: CH, store, history: new History(store), isJoined: false };
}

describe("Mutations", () => {
  let keep: MemoryKeep;
  let sent: Extract<ClientFrame, { t: "mut" }>[];
  let refusals: Refusal[];
  let isConnected: boolean;

  beforeEach(() => {
    vi.useFakeTimers();
    keep = new MemoryKeep();
    sent = [];
    refusals = [];
    isConnected = true;
  });
  afterEach(() => vi.useRealTimers());

  function made(tab: string, user = "ana"): Mutations {
    const send = (frame: ClientFrame) => {
      if (frame.t === "mut" && isConnected) sent.push(frame);
      return isConnected;
    };
    return new Mutations({ tab, keep, send, user: () => user, tell: () => undefined, refuse: (refusal) => refusals.push(refusal) });
  }

  it("keeps what was done offline, and another page of the same person shows and sends it in order", async () => {
    const before = made("t1");
    const first = outlet();
    await before.open(first);
    before.mutate(first, move(1));
    before.mutate(first, move(2));
    expect(sent).toEqual([]);

    const after = made("t2");
    const second = outlet();
    await after.open(second);
    expect(second.store.get("a")?.v.pos).toEqual([2, 0]);
    expect(after.unanswered).toBe(2);
    after.joined(second);
    expect(sent.map(({ mid, ops }) => [mid, ops])).toEqual([
      ["t1:1", move(1)],
      ["t1:2", move(2)],
    ]);
    after.acked("t1:1", 2);
    after.acked("t1:2", 3);
    expect(keep.changes.size).toBe(0);
  });

  it("neither shows nor sends what somebody else left behind", async () => {
    const change: KeptChange = { mid: "x:1", ch: CH, user: "bruno", at: 1, ops: move(9) };
    keep.putChange(change);
    const mutations = made("t1");
    const line = outlet();
    await mutations.open(line);
    mutations.joined(line);
    expect(line.store.get("a")?.v.pos).toEqual([0, 0]);
    expect(sent).toEqual([]);
    expect([...keep.changes.values()]).toEqual([change]);
  });

  it("keeps below the rate of the server and sends the rest later, in order", async () => {
    const mutations = made("t1");
    const line = outlet();
    await mutations.open(line);
    mutations.joined(line);
    for (let x = 1; x <= 200; x += 1) mutations.mutate(line, move(x));
    expect(sent.length).toBeLessThanOrEqual(60);
    vi.advanceTimersByTime(1_000);
    expect(sent.length).toBeLessThanOrEqual(80);
    vi.advanceTimersByTime(10_000);
    expect(sent.map(({ ops }) => ops)).toEqual(Array.from({ length: 200 }, (_, index) => move(index + 1)));
  });

  it("sends again what was refused for being too fast, without what is replaced already", async () => {
    const mutations = made("t1");
    const line = outlet();
    await mutations.open(line);
    mutations.joined(line);
    mutations.mutate(line, [...move(1), { op: "set", id: "a", k: "text", v: "kept" }]);
    mutations.mutate(line, move(2));
    mutations.nacked("t1:1", "rate", "too fast");
    vi.advanceTimersByTime(2_000);
    expect(sent.at(-1)).toMatchObject({ mid: "t1:1", ops: [{ op: "set", id: "a", k: "text", v: "kept" }] });
    expect(refusals).toEqual([]);
    expect(line.store.get("a")?.v).toEqual({ pos: [2, 0], text: "kept" });
  });

  it("gives up after some tries, takes the change back and says why", async () => {
    const mutations = made("t1");
    const line = outlet();
    await mutations.open(line);
    mutations.joined(line);
    mutations.mutate(line, move(1));
    for (let round = 0; round < 6; round += 1) {
      mutations.nacked("t1:1", "unavailable", "the disk is full");
      vi.advanceTimersByTime(10_000);
    }
    expect(refusals).toEqual([{ code: "unavailable", msg: "the disk is full", direction: null }]);
    expect(line.store.get("a")?.v.pos).toEqual([0, 0]);
    expect(sent).toHaveLength(6);
  });

  it("takes no more than fit the queue", async () => {
    const mutations = made("t1");
    const line = outlet();
    await mutations.open(line);
    for (let x = 0; x < WAITING_MAX; x += 1) expect(mutations.mutate(line, move(x))).toBe(true);
    expect(mutations.mutate(line, move(-1))).toBe(false);
    expect(refusals.map(({ code }) => code)).toEqual(["full"]);
    expect(line.store.get("a")?.v.pos).toEqual([WAITING_MAX - 1, 0]);
  });

  it("shows a board at once from what is kept of it", async () => {
    const before = made("t1");
    await before.open(outlet());
    before.close(CH);
    const store = new TopicStore();
    const line: Outlet = { ch: CH, store, history: new History(store), isJoined: false };
    await made("t2").open(line);
    expect([store.epoch, store.seq, store.get("a")?.v.pos]).toEqual(["e", 1, [0, 0]]);
  });

  it("forgets what is kept of another person, but not what was done in this window", async () => {
    keep.putChange({ mid: "x:1", ch: CH, user: "ana", at: 1, ops: move(9) });
    const mutations = made("t1");
    const line = outlet();
    await mutations.open(line);
    mutations.mutate(line, [{ op: "put", id: "b", kind: "note", v: {} }]);
    mutations.forgetKept();
    expect(line.store.unanswered().map(({ mid }) => mid)).toEqual(["t1:1"]);
    expect(line.store.isLoaded).toBe(false);
  });
});
