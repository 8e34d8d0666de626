// Joining: streamed text only while somebody reads it, measured by the frames that go out; and coming
// back when the server says so, not before and not all at once.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ClientFrame } from "@/wire";
import { type Joinable, Joining, LOOK_AWAY_MS, unjoined } from "./joining";
import { TopicStore } from "./topic";

type Sub = Extract<ClientFrame, { t: "sub" }>;

describe("Joining", () => {
  let sent: Sub[];
  let isOpen: boolean;
  let joining: Joining;

  beforeEach(() => {
    vi.useFakeTimers();
    sent = [];
    isOpen = true;
    joining = new Joining(
      () => isOpen,
      (frame) => {
        if (frame.t === "sub") sent.push(frame);
        return true;
      },
    );
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  function topic(ch: string, isReading: boolean): Joinable {
    return { ch, store: new TopicStore(), isOpening: false, ...unjoined(isReading) };
  }

  /** The server's answer: the state at an event. */
  function answer(entry: Joinable, seq: number): void {
    if (entry.store.epoch === null) entry.store.snapshot("e", seq, {});
    joining.joined(entry);
  }

  it("asks for a session without text where only its events are shown", () => {
    joining.sub(topic("session:s", false));
    expect(sent).toEqual([{ t: "sub", id: 1, ch: "session:s", text: false }]);
  });

  it("gives the text up when the last reader is gone, and takes it again from where it is", () => {
    const entry = topic("session:s", true);
    joining.sub(entry);
    const stop = joining.read(entry);
    answer(entry, 4);
    expect(sent).toEqual([{ t: "sub", id: 1, ch: "session:s" }]);
    stop();
    vi.advanceTimersByTime(LOOK_AWAY_MS);
    expect(sent.at(-1)).toEqual({ t: "sub", id: 2, ch: "session:s", epoch: "e", seq: 4, text: false });
    answer(entry, 4);
    joining.read(entry);
    expect(sent.at(-1)).toEqual({ t: "sub", id: 3, ch: "session:s", epoch: "e", seq: 4 });
  });

  it("keeps the text when another reader comes before one has looked away", () => {
    const entry = topic("session:s", true);
    joining.sub(entry);
    answer(entry, 1);
    const stop = joining.read(entry);
    stop();
    vi.advanceTimersByTime(LOOK_AWAY_MS / 2);
    joining.read(entry);
    vi.advanceTimersByTime(10 * LOOK_AWAY_MS);
    expect(sent).toHaveLength(1);
  });

  it("lets a page that nobody sees go without text until it is seen again", () => {
    const entry = topic("session:s", true);
    joining.sub(entry);
    joining.read(entry);
    answer(entry, 1);
    joining.look(entry, false);
    vi.advanceTimersByTime(LOOK_AWAY_MS);
    expect(sent.at(-1)).toMatchObject({ text: false });
    answer(entry, 1);
    joining.look(entry, true);
    expect(sent).toHaveLength(3);
    expect(sent.at(-1)).not.toHaveProperty("text");
  });

  it("asks what was wished for meanwhile when the answer has come, one question at a time", () => {
    const entry = topic("session:s", false);
    joining.sub(entry);
    joining.read(entry);
    expect(sent).toHaveLength(1);
    answer(entry, 1);
    expect(sent.map(({ text }) => text)).toEqual([false, undefined]);
  });

  it("never asks for a board without what happens on it", () => {
    const entry = topic("board:b", true);
    joining.sub(entry);
    answer(entry, 1);
    joining.read(entry)();
    vi.advanceTimersByTime(10 * LOOK_AWAY_MS);
    expect(sent).toEqual([{ t: "sub", id: 1, ch: "board:b" }]);
  });

  it("comes back between the time that a busy server names and twice that time", () => {
    for (const [luck, ms] of [
      [0, 400],
      [0.999, 799],
    ] as const) {
      vi.spyOn(Math, "random").mockReturnValue(luck);
      const entry = topic("board:b", true);
      joining.sub(entry);
      const before = sent.length;
      joining.postpone(entry, 400);
      joining.sub(entry);
      vi.advanceTimersByTime(ms - 1);
      expect(sent).toHaveLength(before);
      vi.advanceTimersByTime(2);
      expect(sent).toHaveLength(before + 1);
    }
  });

  it("asks nothing for a topic that was left, or over a connection that is gone", () => {
    const entry = topic("board:b", true);
    joining.sub(entry);
    joining.postpone(entry, 400);
    joining.lost(entry);
    vi.advanceTimersByTime(1_000);
    expect(sent).toHaveLength(1);
    isOpen = false;
    joining.sub(entry);
    expect(sent).toHaveLength(1);
  });
});
