// Documents against a daemon in memory: joining, writing, refusals, lost lines, drafts that are sent.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { encodeAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import type { Extension, Line } from "@/net/extension";
import type { ClientFrame, ErrorCode, ServerFrame } from "@/wire";
import { fromBase64 } from "./base64";
import { Docs } from "./docs";
import { awarenessFrame, readFrame, STEP_1, STEP_2, syncFrame, UPDATE } from "./frames";
import { kept, keptDocs } from "./kept";

const NOTE = "0192aaaa-0000-7000-8000-000000000001";
const CH = `doc:${NOTE}`;
const NUMBER = 300;

/** One text on the server, and the windows on it. */
class Daemon {
  doc = new Y.Doc();
  epoch = "e1";
  /** What the next update is answered with instead of being taken. */
  refuse: ErrorCode | null = null;
  isMissing = false;
  readonly windows: Window[] = [];

  constructor(text: string) {
    this.doc.getText("text").insert(0, text);
  }

  get text(): string {
    return this.doc.getText("text").toString();
  }

  /** Sends to all windows but one. */
  tell(update: Uint8Array, except?: Window): void {
    for (const window of this.windows) if (window !== except && window.isJoined) window.give(syncFrame(NUMBER, UPDATE, update));
  }
}

/** One window and its line to the daemon. */
class Window {
  extension!: Extension;
  docs: Docs;
  isOpen = false;
  isJoined = false;
  updates = 0;
  readonly frames: ClientFrame[] = [];

  constructor(readonly daemon: Daemon) {
    const line: Line = {
      send: (frame) => this.isOpen && this.take(frame),
      sendBinary: (bytes) => this.isOpen && this.takeBinary(bytes),
    };
    this.docs = new Docs({
      extend: (extension: Extension) => {
        this.extension = extension;
        return line;
      },
    });
    daemon.windows.push(this);
  }

  open(): void {
    this.isOpen = true;
    this.extension.opened();
  }

  cut(): void {
    this.isOpen = false;
    this.isJoined = false;
    this.extension.lost();
  }

  give(bytes: Uint8Array): void {
    this.extension.binary(bytes);
  }

  answer(frame: ServerFrame): void {
    this.extension.frame(frame);
  }

  private take(frame: ClientFrame): boolean {
    this.frames.push(frame);
    if (frame.t !== "sub") return true;
    if (this.daemon.isMissing) {
      this.answer({ t: "error", code: "not_found", msg: "no such document", ref: frame.id });
      return true;
    }
    this.updates = 0;
    this.isJoined = true;
    this.answer({ t: "subok", id: frame.id, ch: frame.ch, epoch: this.daemon.epoch, seq: 0, n: NUMBER });
    this.give(syncFrame(NUMBER, STEP_1, Y.encodeStateVector(this.daemon.doc)));
    return true;
  }

  private takeBinary(bytes: Uint8Array): boolean {
    const frame = readFrame(bytes);
    if (!frame) throw new Error("not a frame");
    if (frame.kind === "awareness") {
      for (const other of this.daemon.windows) if (other !== this && other.isJoined) other.give(bytes);
    } else if (frame.kind === "step1") {
      this.give(syncFrame(NUMBER, STEP_2, Y.encodeStateAsUpdate(this.daemon.doc, frame.body)));
    } else {
      this.updates += 1;
      if (this.daemon.refuse) {
        this.answer({ t: "error", code: this.daemon.refuse, msg: "no", ch: CH });
        this.daemon.refuse = null;
      } else {
        Y.applyUpdate(this.daemon.doc, frame.body);
        this.daemon.tell(frame.body, this);
      }
      this.answer({ t: "saved", ch: CH, n: this.updates });
    }
    return true;
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Lets everything go out that waits for more. */
const settle = () => vi.advanceTimersByTime(100);

describe("a shared text", () => {
  test("is the server's when it is joined, and what is written reaches the others", () => {
    const daemon = new Daemon("Buy milk");
    const [ana, ben] = [new Window(daemon), new Window(daemon)];
    for (const window of [ana, ben]) window.open();
    const [left, right] = [ana.docs.use(NOTE), ben.docs.use(NOTE)];
    expect([left.text.toString(), right.isSynced]).toEqual(["Buy milk", true]);
    left.text.insert(4, "oat ");
    right.text.insert(8, "!");
    settle();
    for (const text of [left.text.toString(), right.text.toString(), daemon.text]) expect(text).toBe("Buy oat milk!");
    expect([left.isSaved, right.isSaved]).toEqual([true, true]);
  });

  test("sends letters that are typed quickly in one update", () => {
    const daemon = new Daemon("");
    const ana = new Window(daemon);
    ana.open();
    const { text } = ana.docs.use(NOTE);
    const before = ana.updates;
    for (const letter of "hello") text.insert(text.length, letter);
    settle();
    expect([ana.updates - before, daemon.text]).toEqual([1, "hello"]);
  });

  test("merges what two people wrote while one had no line", () => {
    const daemon = new Daemon("-");
    const [ana, ben] = [new Window(daemon), new Window(daemon)];
    for (const window of [ana, ben]) window.open();
    const [left, right] = [ana.docs.use(NOTE), ben.docs.use(NOTE)];
    ana.cut();
    left.text.insert(0, "offline ");
    right.text.insert(1, " meanwhile");
    settle();
    expect(daemon.text).toBe("- meanwhile");
    ana.open();
    settle();
    for (const text of [left.text.toString(), right.text.toString(), daemon.text]) expect(text).toBe("offline - meanwhile");
  });

  test("keeps what is not saved across a reload, and forgets it when it is", () => {
    const daemon = new Daemon("one");
    const ana = new Window(daemon);
    ana.open();
    const { text } = ana.docs.use(NOTE);
    ana.cut();
    text.insert(3, " two");
    vi.advanceTimersByTime(1_000);
    expect([keptDocs(), kept(NOTE)?.epoch]).toEqual([[NOTE], "e1"]);
    const again = new Window(daemon);
    expect(again.docs.use(NOTE).text.toString()).toBe("one two");
    again.open();
    settle();
    expect([daemon.text, keptDocs()]).toEqual(["one two", []]);
  });

  test("brings what an earlier page kept to the server without anybody opening it", () => {
    const daemon = new Daemon("one");
    const ana = new Window(daemon);
    const { text } = ana.docs.use(NOTE);
    ana.open();
    ana.cut();
    text.insert(3, " two");
    vi.advanceTimersByTime(1_000);
    const later = new Window(daemon);
    later.docs.sendKept();
    later.open();
    vi.advanceTimersByTime(10_000);
    expect([daemon.text, keptDocs(), later.frames.at(-1)?.t]).toEqual(["one two", [], "unsub"]);
  });

  test("drops what it has when the document began anew", () => {
    const daemon = new Daemon("old");
    const ana = new Window(daemon);
    ana.open();
    const shared = ana.docs.use(NOTE);
    ana.cut();
    daemon.doc = new Y.Doc();
    daemon.doc.getText("text").insert(0, "new");
    daemon.epoch = "e2";
    ana.open();
    settle();
    expect([shared.text.toString(), daemon.text]).toEqual(["new", "new"]);
  });

  test("says what was refused and sends everything with the next change", () => {
    const daemon = new Daemon("");
    const ana = new Window(daemon);
    ana.open();
    const shared = ana.docs.use(NOTE);
    daemon.refuse = "too_large";
    shared.text.insert(0, "much too long");
    settle();
    expect([shared.refusal?.code, shared.isSaved, daemon.text]).toEqual(["too_large", false, ""]);
    shared.text.delete(4, 9);
    settle();
    expect([shared.refusal, shared.isSaved, daemon.text]).toEqual([null, true, "much"]);
  });

  test("asks again for a note that the server does not know yet", () => {
    const daemon = new Daemon("");
    daemon.isMissing = true;
    const ana = new Window(daemon);
    ana.open();
    const shared = ana.docs.use(NOTE);
    shared.text.insert(0, "first words");
    vi.advanceTimersByTime(1_200);
    expect(shared.state).toBe("offline");
    daemon.isMissing = false;
    vi.advanceTimersByTime(1_000);
    expect([shared.state, daemon.text]).toEqual(["live", "first words"]);
  });

  test("is left a while after its last user, once it is saved", () => {
    const daemon = new Daemon("");
    const ana = new Window(daemon);
    ana.open();
    const shared = ana.docs.use(NOTE);
    ana.cut();
    shared.text.insert(0, "kept");
    ana.docs.release(shared);
    vi.advanceTimersByTime(20_000);
    expect(ana.frames.some((it) => it.t === "unsub")).toBe(false);
    ana.open();
    vi.advanceTimersByTime(4_000);
    expect([daemon.text, ana.frames.at(-1)?.t]).toEqual(["kept", "unsub"]);
  });
});

describe("carets", () => {
  test("have the colour that the person has on the board, and go with the line", () => {
    const daemon = new Daemon("");
    const [ana, ben] = [new Window(daemon), new Window(daemon)];
    for (const window of [ana, ben]) window.open();
    const [left, right] = [ana.docs.use(NOTE), ben.docs.use(NOTE)];
    left.slotOf = (user) => (user === "ben" ? 7 : undefined);
    right.awareness.setLocalState({ cursor: null, user: { id: "ben", name: "Ben", slot: 2 } });
    const seen = left.awareness.getStates().get(right.doc.clientID);
    expect(seen?.user).toMatchObject({ name: "Ben", color: "var(--slot-7)" });
    ana.cut();
    expect(left.awareness.getStates().size).toBe(0);
    // The same words again, with the same clock: they count after a new connection.
    const again = encodeAwarenessUpdate(right.awareness, [right.doc.clientID]);
    ana.open();
    ana.give(awarenessFrame(NUMBER, again));
    expect(left.awareness.getStates().has(right.doc.clientID)).toBe(true);
  });
});

describe("a draft", () => {
  test("is taken with exactly what its author saw", () => {
    const daemon = new Daemon("");
    const [ana, ben] = [new Window(daemon), new Window(daemon)];
    for (const window of [ana, ben]) window.open();
    const [left, right] = [ana.docs.use(NOTE), ben.docs.use(NOTE)];
    left.text.insert(0, "do it ");
    settle();
    left.text.insert(6, "now");
    const taken = left.take();
    right.text.insert(6, "please");
    settle();
    const { update, clear } = taken?.draft ?? { update: "", clear: "" };
    for (const bytes of [update, clear]) Y.applyUpdate(daemon.doc, fromBase64(bytes) ?? new Uint8Array());
    expect([taken?.text, taken?.draft.epoch, daemon.text]).toEqual(["do it now", "e1", "please"]);
    // Both wrote at one place: which word comes first is decided by the windows' random numbers.
    expect(["do it pleasenow", "do it nowplease"]).toContain(left.text.toString());
  });

  test("is not taken without a line", () => {
    const ana = new Window(new Daemon(""));
    const shared = ana.docs.use(NOTE);
    shared.text.insert(0, "later");
    expect(shared.take()).toBeNull();
  });
});

describe("frames", () => {
  test("are read as they are written, and anything else is nothing", () => {
    const frame = readFrame(syncFrame(300, UPDATE, new Uint8Array([1, 2, 3])));
    expect(frame).toEqual({ kind: "update", channel: 300, body: new Uint8Array([1, 2, 3]) });
    for (const bytes of [[], [9, 1], [1], [1, 5], [1, 5, 7, 0], [1, 5, 0, 200]]) expect(readFrame(new Uint8Array(bytes))).toBeNull();
  });
});
