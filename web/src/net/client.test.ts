// The connection against a socket played by hand: join, resume, gap, resend, back-off.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ClientFrame, Op, ServerFrame } from "@/wire";
import { Client } from "./client";
import type { KeptChange } from "./keep";
import { MemoryKeep } from "./memory-keep";

class HandSocket {
  static readonly all: HandSocket[] = [];
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly sent: ClientFrame[] = [];

  constructor() {
    HandSocket.all.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientFrame);
  }
  close(): void {
    this.readyState = 3;
  }
  accept(): void {
    this.readyState = 1;
    this.onopen?.();
    this.say({ t: "welcome", v: 1, peer: "p1", user: "u1", boot: "b", app: "0.1.0" });
  }
  say(frame: ServerFrame): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  break(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }
  of<T extends ClientFrame["t"]>(t: T): Extract<ClientFrame, { t: T }>[] {
    return this.sent.filter((frame): frame is Extract<ClientFrame, { t: T }> => frame.t === t);
  }
}

const CH = "board:b1";

function connected() {
  const client = new Client("ws://test/ws", () => new HandSocket() as unknown as WebSocket);
  client.reconnect();
  const socket = last();
  socket.accept();
  return { client, socket };
}

function last(): HandSocket {
  const socket = HandSocket.all.at(-1);
  if (!socket) throw new Error("no socket was made");
  return socket;
}

function joined() {
  const { client, socket } = connected();
  const channel = client.use(CH);
  socket.say({ t: "snap", id: 1, ch: CH, epoch: "e1", seq: 3, state: { a: { kind: "note", v: { pos: [0, 0] } } } });
  return { client, socket, channel };
}

describe("Client", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    HandSocket.all.length = 0;
  });
  afterEach(() => vi.useRealTimers());

  it("says hello first, then joins without a position", () => {
    const { client, socket } = connected();
    client.use(CH);
    expect(socket.sent[0]).toMatchObject({ t: "hello", v: 1 });
    expect(socket.of("sub")).toEqual([{ t: "sub", id: 1, ch: CH }]);
    expect(client.connection.state).toBe("live");
  });

  it("resumes from its epoch and seq after the connection broke, and sends pending changes after that", () => {
    const { client, socket, channel } = joined();
    socket.break();
    expect(client.connection.state).toBe("offline");
    client.mutate(channel, [{ op: "set", id: "a", k: "pos", v: [5, 5] }]);
    vi.advanceTimersByTime(500);
    const next = last();
    expect(next).not.toBe(socket);
    next.accept();
    expect(next.of("sub")[0]).toMatchObject({ ch: CH, epoch: "e1", seq: 3 });
    expect(next.of("mut")).toHaveLength(0);
    next.say({ t: "subok", id: 2, ch: CH, epoch: "e1", seq: 3 });
    expect(next.of("mut")).toHaveLength(1);
    expect(channel.store.get("a")?.v.pos).toEqual([5, 5]);
  });

  it("asks once when an event is missing", () => {
    const { socket } = joined();
    const gap: ServerFrame = { t: "ev", ch: CH, evs: [{ seq: 9, at: 0, via: "web", kind: "x", ops: [] }] };
    socket.say(gap);
    socket.say(gap);
    expect(socket.of("sub").slice(1)).toEqual([{ t: "sub", id: 2, ch: CH, epoch: "e1", seq: 3 }]);
  });

  it("asks again when streamed text has a gap, and takes all text so far", () => {
    const { client, socket } = connected();
    const ch = "session:s1";
    const channel = client.use(ch);
    const message = { kind: "message", v: { text: "", is_streaming: true, body: { kind: "text" } } };
    socket.say({ t: "snap", id: 1, ch, epoch: "e", seq: 1, state: { m: message } });
    socket.say({ t: "st", ch, m: "m", o: 0, d: "abc" });
    socket.say({ t: "st", ch, m: "m", o: 9, d: "x" });
    expect(socket.of("sub")).toHaveLength(2);
    socket.say({ t: "st", ch, m: "m", o: 10, d: "y" });
    expect(channel.streams.get("m")).toBe("abc");
    socket.say({ t: "subok", id: 2, ch, epoch: "e", seq: 1 });
    socket.say({ t: "st", ch, m: "m", o: 0, d: "abcdefghixy" });
    expect(channel.streams.get("m")).toBe("abcdefghixy");
    socket.say({
      t: "ev",
      ch,
      evs: [
        {
          seq: 2,
          at: 0,
          via: "system",
          kind: "x",
          ops: [
            { op: "set", id: "m", k: "text", v: "abcdefghixyz" },
            { op: "set", id: "m", k: "is_streaming", v: false },
          ],
        },
      ],
    });
    expect(channel.streams.get("m")).toBeUndefined();
    socket.say({ t: "st", ch, m: "m", o: 0, d: "late" });
    expect(channel.streams.get("m")).toBeUndefined();
  });

  it("keeps the streamed text when the end comes without one", () => {
    const { client, socket } = connected();
    const ch = "session:s1";
    const channel = client.use(ch);
    const message = { kind: "message", v: { text: "", is_streaming: true, body: { kind: "text" } } };
    socket.say({ t: "snap", id: 1, ch, epoch: "e", seq: 1, state: { m: message } });
    socket.say({ t: "st", ch, m: "m", o: 0, d: "abc" });
    const ops = [{ op: "set" as const, id: "m", k: "is_streaming", v: false }];
    socket.say({ t: "ev", ch, evs: [{ seq: 2, at: 0, via: "system", kind: "x", ops }] });
    expect(channel.streams.get("m")).toBe("abc");
  });

  it("takes a refused change back and says why", () => {
    const { client, socket, channel } = joined();
    const refusals: string[] = [];
    client.onRefusal = ({ msg }) => refusals.push(msg);
    client.mutate(channel, [{ op: "set", id: "a", k: "pos", v: [5, 5] }]);
    const mid = socket.of("mut")[0]?.mid ?? "";
    socket.say({ t: "nack", mid, code: "gone", msg: "It is not there any more." });
    expect(channel.store.get("a")?.v.pos).toEqual([0, 0]);
    expect(refusals).toEqual(["It is not there any more."]);
  });

  it("waits longer with each failed try, with jitter, but never beyond the bound", () => {
    const { socket } = joined();
    socket.break();
    const waits: number[] = [];
    for (let round = 0; round < 9; round += 1) {
      const before = HandSocket.all.length;
      let waited = 0;
      while (HandSocket.all.length === before && waited < 20_000) {
        vi.advanceTimersByTime(25);
        waited += 25;
      }
      waits.push(waited);
      last().break();
    }
    expect(waits[0]).toBeLessThanOrEqual(275);
    expect(Math.max(...waits)).toBeLessThanOrEqual(8_025);
    expect(waits.at(-1) ?? 0).toBeGreaterThanOrEqual(4_000);
  });

  it("stops trying when the server wants a newer page", () => {
    const { client, socket } = joined();
    socket.break(4409);
    vi.advanceTimersByTime(60_000);
    expect(client.connection.state).toBe("outdated");
    expect(HandSocket.all).toHaveLength(1);
  });

  it("leaves a topic only some time after its last user", () => {
    const { client, socket, channel } = joined();
    client.release(channel);
    expect(client.use(CH)).toBe(channel);
    vi.advanceTimersByTime(10_000);
    expect(socket.of("unsub")).toHaveLength(0);
    client.release(channel);
    vi.advanceTimersByTime(10_000);
    expect(socket.of("unsub")).toEqual([{ t: "unsub", ch: CH }]);
  });

  it("shows why a topic is refused", () => {
    const { client, socket } = connected();
    const channel = client.use(CH);
    socket.say({ t: "error", code: "not_found", msg: "There is no such board.", ref: 1 });
    expect(channel.refusal).toEqual({ code: "not_found", msg: "There is no such board." });
  });
});

describe("Client with a keep", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    HandSocket.all.length = 0;
  });
  afterEach(() => vi.useRealTimers());

  it("shows and keeps nothing of a topic that is taken away while it is open, until it is given again", async () => {
    const keep = new MemoryKeep();
    const client = new Client("ws://test/ws", () => new HandSocket() as unknown as WebSocket, keep);
    client.reconnect();
    const socket = last();
    socket.accept();
    const channel = client.use(CH);
    await vi.advanceTimersByTimeAsync(0);
    socket.say({ t: "snap", id: 1, ch: CH, epoch: "e1", seq: 3, state: { a: { kind: "note", v: {} } } });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(keep.states.has(CH)).toBe(true);
    client.mutate(channel, [{ op: "set", id: "a", k: "text", v: "mine" }]);
    socket.say({ t: "error", code: "forbidden", msg: "the right to read it has ended", ch: CH });
    expect(channel.refusal?.code).toBe("forbidden");
    expect(channel.store.isLoaded).toBe(false);
    expect(channel.store.get("a")).toBeUndefined();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(keep.states.has(CH)).toBe(false);
    expect(keep.changes.size).toBe(0);
    client.askAgain(CH);
    expect(socket.of("sub").at(-1)).toEqual({ t: "sub", id: 2, ch: CH });
    socket.say({ t: "snap", id: 2, ch: CH, epoch: "e1", seq: 4, state: {} });
    expect(channel.refusal).toBeNull();
  });

  it("joins without what is kept when that takes long, and adds it when it comes", async () => {
    const keep = new MemoryKeep();
    let give: (kept: { changes: KeptChange[]; state: null }) => void = () => undefined;
    keep.load = () =>
      new Promise((resolve) => {
        give = resolve;
      });
    const client = new Client("ws://test/ws", () => new HandSocket() as unknown as WebSocket, keep, "u1");
    client.reconnect();
    const socket = last();
    socket.accept();
    const channel = client.use(CH);
    expect(socket.of("sub")).toHaveLength(0);
    vi.advanceTimersByTime(1_000);
    expect(socket.of("sub")).toHaveLength(1);
    socket.say({ t: "snap", id: 1, ch: CH, epoch: "e1", seq: 3, state: { a: { kind: "note", v: { pos: [0, 0] } } } });
    const ops: Op[] = [{ op: "set", id: "a", k: "pos", v: [7, 7] }];
    give({ changes: [{ mid: "old:1", ch: CH, user: "u1", at: 1, ops }], state: null });
    await vi.advanceTimersByTimeAsync(0);
    expect(channel.store.get("a")?.v.pos).toEqual([7, 7]);
    expect(socket.of("mut").map(({ mid }) => mid)).toEqual(["old:1"]);
  });

  it("shows a board at once from what is kept of it, and resumes from there", async () => {
    const keep = new MemoryKeep();
    keep.putState({ ch: CH, user: "u1", at: 1, epoch: "e1", seq: 3, state: { a: { kind: "note", v: { text: "kept" } } } });
    const client = new Client("ws://test/ws", () => new HandSocket() as unknown as WebSocket, keep, "u1");
    client.reconnect();
    const channel = client.use(CH);
    await vi.advanceTimersByTimeAsync(0);
    expect(channel.store.get("a")?.v.text).toBe("kept");
    last().accept();
    expect(last().of("sub")).toEqual([{ t: "sub", id: 1, ch: CH, epoch: "e1", seq: 3 }]);
  });

  it("shows nothing of what somebody else left in this browser", async () => {
    const keep = new MemoryKeep();
    keep.putState({ ch: CH, user: "u9", at: 1, epoch: "e1", seq: 3, state: { a: { kind: "note", v: { text: "secret" } } } });
    const client = new Client("ws://test/ws", () => new HandSocket() as unknown as WebSocket, keep, "u9");
    client.reconnect();
    const channel = client.use(CH);
    await vi.advanceTimersByTimeAsync(0);
    expect(channel.store.get("a")?.v.text).toBe("secret");
    last().accept();
    expect(channel.store.get("a")).toBeUndefined();
    expect(last().of("sub").at(-1)).toEqual({ t: "sub", id: 2, ch: CH });
  });
});

describe("Client with a state too large for a frame", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    HandSocket.all.length = 0;
  });
  afterEach(() => vi.useRealTimers());

  it("reads a large state over HTTP and resumes from there, with its own changes on top", async () => {
    const asked: string[] = [];
    const read = async (url: string) => {
      asked.push(url);
      return { epoch: "e2", seq: 70, at_ms: 0, state: { a: { kind: "note", v: { pos: [1, 1], text: "big" } } } };
    };
    const client = new Client("ws://test/ws", () => new HandSocket() as unknown as WebSocket, null, null, read);
    client.reconnect();
    const socket = last();
    socket.accept();
    const channel = client.use(CH);
    client.mutate(channel, [{ op: "put", id: "b", kind: "note", v: {} }]);
    socket.say({ t: "refetch", id: 1, ch: CH, url: "/api/v1/boards/b1/snapshot", epoch: "e2", seq: 70 });
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toEqual(["/api/v1/boards/b1/snapshot"]);
    expect(socket.of("sub").at(-1)).toMatchObject({ ch: CH, epoch: "e2", seq: 70 });
    expect(channel.store.get("a")?.v.text).toBe("big");
    expect(channel.store.get("b")).toBeDefined();
    expect(socket.of("mut")).toHaveLength(0);
    socket.say({ t: "subok", id: 2, ch: CH, epoch: "e2", seq: 71 });
    expect(socket.of("mut")).toHaveLength(1);
  });

  it("connects anew when the large state cannot be read", async () => {
    const client = new Client(
      "ws://test/ws",
      () => new HandSocket() as unknown as WebSocket,
      null,
      null,
      () => Promise.reject(new Error()),
    );
    client.reconnect();
    last().accept();
    client.use(CH);
    last().say({ t: "refetch", id: 1, ch: CH, url: "/x", epoch: "e2", seq: 70 });
    await vi.advanceTimersByTimeAsync(500);
    expect(HandSocket.all).toHaveLength(2);
  });
});
