// Presence goes out coalesced and bounded; what comes in is merged per field.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Identity, PresenceUpdate } from "@/wire";
import { Peers, PRESENCE_ALONE_MS, PRESENCE_MS, PresenceSender } from "./presence";

const ana: Identity = { user: "u1", name: "Ana", emoji: "", slot: 3, is_agent: false };

describe("PresenceSender", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  function sender(isAlone = false) {
    const sent: PresenceUpdate[] = [];
    const made = new PresenceSender(
      (update) => {
        sent.push(update);
        return true;
      },
      () => isAlone,
    );
    return { made, sent };
  }

  it("sends only the newest values of an interval, in one frame", () => {
    const { made, sent } = sender();
    made.set({ cur: [0, 0] });
    vi.advanceTimersByTime(0);
    for (let step = 1; step <= 10; step += 1) made.set({ cur: [step, 0] });
    made.set({ sel: ["a"] });
    vi.advanceTimersByTime(PRESENCE_MS);
    expect(sent).toEqual([{ cur: [0, 0] }, { cur: [10, 0], sel: ["a"] }]);
  });

  it("stays below 25 frames a second and does not lose the last position", () => {
    const { made, sent } = sender();
    for (let ms = 0; ms < 1_000; ms += 5) {
      made.set({ cur: [ms, 0] });
      vi.advanceTimersByTime(5);
    }
    vi.advanceTimersByTime(PRESENCE_MS);
    expect(sent.length).toBeLessThanOrEqual(27);
    expect(sent.at(-1)).toEqual({ cur: [995, 0] });
  });

  it("slows down to one frame a second while alone", () => {
    const { made, sent } = sender(true);
    made.set({ cur: [1, 1] });
    vi.advanceTimersByTime(0);
    made.set({ cur: [2, 2] });
    vi.advanceTimersByTime(PRESENCE_ALONE_MS - 10);
    expect(sent).toHaveLength(1);
    vi.advanceTimersByTime(10);
    expect(sent.at(-1)).toEqual({ cur: [2, 2] });
  });

  it("says everything again after a reconnect, at once", () => {
    const { made, sent } = sender(true);
    made.set({ cur: [1, 1], panel: "session:x" });
    vi.advanceTimersByTime(0);
    made.set({ cur: null });
    made.again();
    vi.advanceTimersByTime(0);
    expect(sent.at(-1)).toEqual({ cur: null, panel: "session:x" });
  });
});

describe("an invisible participant", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it("takes everything back, says nothing more, and says it all when it shows itself again", () => {
    const sent: PresenceUpdate[] = [];
    const made = new PresenceSender(
      (update) => {
        sent.push(update);
        return true;
      },
      () => false,
    );
    made.set({ cur: [1, 1], panel: "session:x" });
    vi.advanceTimersByTime(PRESENCE_MS);
    made.hide(true);
    vi.advanceTimersByTime(PRESENCE_MS);
    expect(sent.at(-1)).toMatchObject({ seen: "hidden", cur: null, panel: null, sel: null, vp: null });
    made.set({ cur: [2, 2] });
    made.again();
    vi.advanceTimersByTime(10 * PRESENCE_MS);
    expect(sent.slice(2).every((update) => update.seen === "hidden" && update.cur === null)).toBe(true);
    made.hide(false);
    vi.advanceTimersByTime(PRESENCE_MS);
    expect(sent.at(-1)).toEqual({ seen: null, cur: [2, 2], panel: "session:x" });
  });
});

describe("Peers", () => {
  it("never holds the own participant", () => {
    const peers = new Peers();
    peers.join({ p1: ana, p2: ana }, "p2");
    peers.update({ p2: { cur: [1, 1] } }, [], "p2");
    expect([...peers.all()].map((peer) => peer.id)).toEqual(["p1"]);
  });

  it("merges fields, and null clears one", () => {
    const peers = new Peers();
    peers.join({ p1: ana }, null);
    peers.update({ p1: { cur: [1, 2], panel: "session:x" } }, [], null);
    peers.update({ p1: { cur: null } }, [], null);
    expect(peers.get("p1")?.presence).toEqual({ panel: "session:x" });
  });

  it("keeps values that come before the identity", () => {
    const peers = new Peers();
    peers.update({ p1: { cur: [5, 5] } }, [], null);
    expect(peers.people).toBe(0);
    peers.join({ p1: ana }, null);
    expect(peers.get("p1")?.presence.cur).toEqual([5, 5]);
  });

  it("tells moved pointers from what React has to show", () => {
    const peers = new Peers();
    peers.join({ p1: ana }, null);
    const version = peers.version;
    peers.update({ p1: { cur: [1, 1] } }, [], null);
    expect(peers.version).toBe(version);
    peers.update({}, ["p1"], null);
    expect(peers.version).toBe(version + 1);
  });
});
