// Random plans against a model of the server: windows change, undo, lose the connection and are reloaded
// in any order. In the end all show what the server has, and nothing was lost or done twice.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ClientFrame, Event, NackCode, Op, ServerFrame, TopicObject } from "@/wire";
import { type Channel, Client } from "./client";
import { MemoryKeep } from "./memory-keep";

const CH = "board:b1";
const PLANS = 150;
const STEPS = 60;

/** A small generator of random numbers: the same seed, the same plan. */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** The server: a log, the state that it makes, and the rules of mutations. */
class Board {
  readonly log: Event[] = [];
  readonly state = new Map<string, TopicObject>();
  readonly mids = new Map<string, number>();
  readonly lines = new Set<Line>();
  private readonly seqs = new Map<string, number>();
  private readonly newest = new Map<string, number>();

  take(line: Line, frame: Extract<ClientFrame, { t: "mut" }>, chance: (below: number) => number): void {
    const first = this.mids.get(frame.mid);
    if (first !== undefined) {
      line.queue.push({ t: "ack", mid: frame.mid, seq: first });
      return;
    }
    const code = chance(12) === 0 ? "rate" : this.refusal(frame.ops);
    if (code) {
      line.queue.push({ t: "nack", mid: frame.mid, code, msg: code });
      return;
    }
    const seq = this.log.length + 1;
    for (const op of frame.ops) this.apply(op, seq);
    const event: Event = { seq, at: 0, by: line.user, via: "web", kind: "t", mid: frame.mid, ops: frame.ops };
    this.log.push(event);
    this.mids.set(frame.mid, seq);
    const ack: ServerFrame = { t: "ack", mid: frame.mid, seq };
    const isAckFirst = chance(2) === 0;
    if (isAckFirst) line.queue.push(ack);
    for (const other of this.lines) if (other.isJoined) other.queue.push({ t: "ev", ch: CH, evs: [event] });
    if (!isAckFirst) line.queue.push(ack);
  }

  join(line: Line, frame: Extract<ClientFrame, { t: "sub" }>): void {
    line.isJoined = true;
    const seq = this.log.length;
    if (frame.epoch === "e" && frame.seq !== undefined && seq - frame.seq < 10) {
      line.queue.push({ t: "subok", id: frame.id, ch: CH, epoch: "e", seq });
      const missed = this.log.slice(frame.seq);
      if (missed.length > 0) line.queue.push({ t: "ev", ch: CH, evs: missed });
    } else {
      line.queue.push({ t: "snap", id: frame.id, ch: CH, epoch: "e", seq, state: structuredClone(Object.fromEntries(this.state)) });
    }
  }

  private refusal(ops: readonly Op[]): NackCode | null {
    const there = new Set(this.state.keys());
    for (const op of ops) {
      if (op.op === "put" ? there.has(op.id) : !there.has(op.id)) return op.op === "put" ? "exists" : "gone";
      if (op.op === "set" && op.if !== undefined && this.seqs.get(`${op.id} ${op.k}`) !== op.if) return "conflict";
      if (op.op === "del" && op.if !== undefined && (this.newest.get(op.id) ?? 0) > op.if) return "conflict";
      if (op.op === "put") there.add(op.id);
      if (op.op === "del") there.delete(op.id);
    }
    return null;
  }

  private apply(op: Op, seq: number): void {
    const object = this.state.get(op.id);
    this.newest.set(op.id, seq);
    if (op.op === "put") {
      this.state.set(op.id, structuredClone({ kind: op.kind, v: op.v }));
      for (const k of Object.keys(op.v)) this.seqs.set(`${op.id} ${k}`, seq);
    } else if (op.op === "del") this.state.delete(op.id);
    else if (object) {
      object.v[op.k] = op.v;
      this.seqs.set(`${op.id} ${op.k}`, seq);
    }
  }
}

/** One connection: frames wait in both directions until the plan lets them through. */
class Line {
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  isJoined = false;
  readonly asked: ClientFrame[] = [];
  readonly queue: ServerFrame[] = [];

  constructor(
    readonly user: string,
    private readonly board: Board,
  ) {
    board.lines.add(this);
  }
  send(text: string): void {
    this.asked.push(JSON.parse(text) as ClientFrame);
  }
  close(): void {
    this.readyState = 3;
    this.board.lines.delete(this);
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.();
    this.queue.push({ t: "welcome", v: 1, peer: this.user, user: this.user, boot: "b", app: "0" });
  }
  break(): void {
    this.close();
    this.onclose?.({ code: 1006 });
  }
  /** Lets one frame through; `false` when none waits. */
  move(chance: (below: number) => number): boolean {
    const isUp = this.asked.length > 0 && (this.queue.length === 0 || chance(2) === 0);
    if (isUp) {
      const frame = this.asked.shift();
      if (frame?.t === "mut") this.board.take(this, frame, chance);
      if (frame?.t === "sub") this.board.join(this, frame);
      return true;
    }
    const frame = this.queue.shift();
    if (!frame) return false;
    this.onmessage?.({ data: JSON.stringify(frame) });
    return true;
  }
}

/** A browser window of one person, which can be reloaded. */
class Tab {
  client!: Client;
  channel!: Channel;
  line: Line | null = null;
  readonly refused: string[] = [];
  private keep = new MemoryKeep();

  constructor(
    readonly user: string,
    private readonly board: Board,
  ) {}

  async load(): Promise<void> {
    // The page that ends does nothing any more: what it had is in the keep, or lost.
    this.line?.close();
    this.line = null;
    this.keep = this.keep.copy();
    const make = () => {
      const line = new Line(this.user, this.board);
      if (this.client === client) this.line = line;
      else line.close();
      return line as unknown as WebSocket;
    };
    const client = new Client("ws://test/ws", make, this.keep, this.user);
    this.client = client;
    this.client.onRefusal = ({ code }) => this.refused.push(code);
    this.client.reconnect();
    this.channel = this.client.use(CH);
    await vi.advanceTimersByTimeAsync(1);
  }

  act(chance: (below: number) => number): void {
    const ids = [...this.channel.store.entries()].map(([id]) => id);
    const id = ids[chance(Math.max(1, ids.length))];
    const choice = chance(10);
    const v = chance(1_000);
    if (choice < 2 || id === undefined) {
      const made = `${this.user}-${v}-${this.board.log.length}`;
      this.client.mutate(this.channel, [{ op: "put", id: made, kind: "note", v: { pos: [v, 0], text: "" } }]);
    } else if (choice < 6) this.client.mutate(this.channel, [{ op: "set", id, k: choice < 4 ? "pos" : "text", v }]);
    else if (choice < 7) this.client.mutate(this.channel, [{ op: "del", id }]);
    else this.client.step(this.channel, choice < 9 ? "undo" : "redo");
  }
}

/** Connects everybody and lets everything through. */
async function settle(tabs: Tab[]): Promise<void> {
  const isQuiet = () =>
    tabs.every(
      ({ client, line }) =>
        client.unanswered === 0 && line?.readyState === 1 && line.isJoined && line.asked.length + line.queue.length === 0,
    );
  for (let round = 0; round < 2_000 && !isQuiet(); round += 1) {
    for (const tab of tabs) {
      if (tab.line?.readyState === 0) tab.line.open();
      while (tab.line?.move(() => 1));
    }
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(isQuiet()).toBe(true);
}

async function run(seed: number): Promise<void> {
  const chance = random(seed);
  // The jitter of the back-off is part of the plan.
  vi.spyOn(Math, "random").mockImplementation(() => chance(1_000) / 1_000);
  const board = new Board();
  const tabs = ["ana", "bruno", "chiara"].map((user) => new Tab(user, board));
  for (const tab of tabs) await tab.load();
  for (let step = 0; step < STEPS; step += 1) {
    const tab = tabs[chance(tabs.length)];
    if (!tab) continue;
    const choice = chance(20);
    if (choice === 0) tab.line?.break();
    else if (choice === 1) await tab.load();
    else if (choice === 2) await vi.advanceTimersByTimeAsync(chance(3_000));
    else if (choice < 9) tab.act(chance);
    else if (tab.line?.readyState === 0) tab.line.open();
    else for (let count = chance(6); count > 0; count -= 1) tab.line?.move(chance);
  }
  await settle(tabs);
  const truth = Object.fromEntries(board.state);
  for (const { channel } of tabs) expect(Object.fromEntries(channel.store.entries()), `plan ${seed}`).toEqual(truth);
  const applied = board.log.map((event) => event.mid);
  expect(new Set(applied).size, `plan ${seed}`).toBe(applied.length);
  for (const tab of tabs) {
    tab.client.release(tab.channel);
    tab.line?.break();
  }
  vi.clearAllTimers();
}

describe("windows on one board", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it("all end with what the server has, whatever happened on the way", async () => {
    for (let seed = 1; seed <= PLANS; seed += 1) await run(seed);
  }, 60_000);
});
