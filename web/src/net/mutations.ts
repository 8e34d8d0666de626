// Changes on their way to the server: in order, at the rate it allows, kept until they are answered.
import type { ClientFrame, NackCode, Op } from "@/wire";
import { type Keep, type KeptChange, STATE_OBJECTS_MAX } from "./keep";
import { Pace } from "./pace";
import type { Pending, TopicStore } from "./topic";
import type { Direction, History } from "./undo";

/** A little below what the server takes. */
const PER_SECOND = 18;
const BURST = 50;
/** Changes that wait at most; then new ones are refused until the connection is back. */
export const WAITING_MAX = 1_000;
/** How often a change is sent again that the server could not store just now. */
const RETRIES = 5;
const RETRY_MS = 1_000;
/** The state of a board is kept at most this often. */
const STATE_EVERY_MS = 2_000;

/** What was refused, for the toast. */
export interface Refusal {
  code: NackCode | "full" | "newer" | "unsaved";
  msg: string;
  /** Whether it was an undo or a redo that was refused. */
  direction: Direction | null;
  /** Who changed it since, when that is known. */
  by?: string | undefined;
}

/** What the mutations of one topic need of it. */
export interface Outlet {
  readonly ch: string;
  readonly store: TopicStore;
  readonly history: History;
  /** Whether the topic is joined on the present connection. */
  isJoined: boolean;
}

interface Line {
  outlet: Outlet;
  stop: () => void;
  saver: ReturnType<typeof setTimeout> | undefined;
}

/** The seams to the connection. */
export interface Wires {
  tab: string;
  keep: Keep | null;
  send: (frame: ClientFrame) => boolean;
  user: () => string | null;
  /** Something that people see is another: the count of waiting changes. */
  tell: () => void;
  refuse: (refusal: Refusal) => void;
}

/** All changes of this window that are not answered yet. */
export class Mutations {
  private readonly lines = new Map<string, Line>();
  private readonly pace = new Pace(PER_SECOND, BURST);
  private readonly retries = new Map<string, number>();
  private count = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly wires: Wires) {}

  /** Takes a topic in and shows what is kept of it. Resolves when that is done. */
  async open(outlet: Outlet): Promise<void> {
    const { keep } = this.wires;
    const line: Line = { outlet, stop: () => undefined, saver: undefined };
    this.lines.set(outlet.ch, line);
    if (!keep || !outlet.ch.startsWith("board:")) return;
    line.stop = outlet.store.subscribeAll(() => this.saveSoon(line));
    const { changes, state } = await keep.load(outlet.ch);
    if (this.lines.get(outlet.ch) !== line) return;
    const user = this.wires.user();
    if (state && !outlet.store.isLoaded && state.user === user) outlet.store.snapshot(state.epoch, state.seq, state.state);
    for (const change of changes) if (change.user === user) outlet.store.mutate(change.mid, change.ops);
    this.wires.tell();
    this.pump();
  }

  /** Lets a topic go; what is unanswered stays kept. */
  close(ch: string): void {
    const line = this.lines.get(ch);
    if (!line) return;
    line.stop();
    this.save(line);
    this.lines.delete(ch);
  }

  /** Another person than the one whose things are kept: none of it is shown or sent. */
  forgetKept(): void {
    for (const { outlet } of this.lines.values()) {
      const own = `${this.wires.tab}:`;
      for (const { mid } of outlet.store.unanswered()) if (!mid.startsWith(own)) outlet.store.nack(mid);
      outlet.store.reset();
    }
  }

  /** The topic is not ours any more: nothing of it is shown, sent or kept. */
  forget(ch: string): void {
    const outlet = this.lines.get(ch)?.outlet;
    if (!outlet) return;
    for (const { mid } of outlet.store.unanswered()) {
      this.settle(mid);
      outlet.store.nack(mid);
    }
    outlet.store.reset();
    this.wires.keep?.removeState(ch);
  }

  /** Changes a topic: shown at once, sent now or when the topic is joined again. Returns whether it was taken. */
  mutate(outlet: Outlet, ops: Op[]): boolean {
    const mid = this.accept();
    if (mid === null) return false;
    outlet.history.record(mid, ops);
    this.put(outlet, mid, ops);
    return true;
  }

  /** Takes an object away. When all that was done last was to make it, that is forgotten and not undone. */
  discard(outlet: Outlet, id: string): void {
    const ops: Op[] = [{ op: "del", id }];
    if (!outlet.history.retract(id)) {
      this.mutate(outlet, ops);
      return;
    }
    const mid = this.accept();
    if (mid !== null) this.put(outlet, mid, ops);
  }

  /** Takes the last own step back, or makes it again. */
  step(outlet: Outlet, direction: Direction): void {
    const isUnsent = (mid: string) => outlet.store.unanswered().some((it) => it.mid === mid && !it.isSent);
    const outcome = outlet.history.next(direction, isUnsent);
    if (outcome.kind === "nothing") return;
    if (outcome.kind === "refused") {
      this.wires.refuse({ code: outcome.reason, msg: "", direction, by: outcome.by });
      return;
    }
    if (outcome.kind === "cancel") {
      outlet.store.nack(outcome.mid);
      this.wires.keep?.removeChange(outcome.mid);
      this.wires.tell();
      return;
    }
    const mid = this.accept();
    if (mid === null) return;
    outlet.history.start(mid, outcome.step, direction);
    this.put(outlet, mid, outcome.ops);
  }

  /** The topic is joined: what is unanswered goes out again, in order. */
  joined(outlet: Outlet): void {
    outlet.isJoined = true;
    for (const pending of outlet.store.unanswered()) pending.isSent = false;
    this.pump();
  }

  /** The connection is gone. */
  lost(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const { outlet } of this.lines.values()) outlet.isJoined = false;
  }

  acked(mid: string, seq: number): void {
    this.settle(mid);
    for (const { outlet } of this.lines.values()) {
      outlet.store.ack(mid, seq);
      outlet.history.acked(mid, seq);
    }
    this.wires.tell();
  }

  /** Takes a change back, or sends it again where the reason will pass. */
  nacked(mid: string, code: NackCode, msg: string): void {
    for (const { outlet } of this.lines.values()) {
      const pending = outlet.store.unanswered().find((it) => it.mid === mid);
      if (!pending) continue;
      if (this.again(outlet, pending, code)) return;
      this.settle(mid);
      outlet.store.nack(mid);
      this.wires.refuse({ code, msg, direction: outlet.history.nacked(mid) });
    }
    this.wires.tell();
  }

  /** Changes without an answer. */
  get unanswered(): number {
    let count = 0;
    for (const { outlet } of this.lines.values()) count += outlet.store.unanswered().length;
    return count;
  }

  private accept(): string | null {
    if (this.unanswered >= WAITING_MAX) {
      this.wires.refuse({ code: "full", msg: "", direction: null });
      return null;
    }
    this.count += 1;
    return `${this.wires.tab}:${this.count}`;
  }

  private put(outlet: Outlet, mid: string, ops: Op[]): void {
    outlet.store.mutate(mid, ops);
    const change: KeptChange = { mid, ch: outlet.ch, user: this.wires.user(), at: Date.now() + this.count / 1_000, ops };
    this.wires.keep?.putChange(change);
    this.pump();
    this.wires.tell();
  }

  /** Sends it again later, without what a newer own change has replaced meanwhile. */
  private again({ store }: Outlet, pending: Pending, code: NackCode): boolean {
    if (code !== "rate" && code !== "unavailable") return false;
    const tries = (this.retries.get(pending.mid) ?? 0) + 1;
    if (tries > RETRIES) return false;
    this.retries.set(pending.mid, tries);
    const all = store.unanswered();
    const newer = all.slice(all.indexOf(pending) + 1).flatMap(({ ops }) => ops);
    const isReplaced = (op: Op) => op.op === "set" && newer.some((it) => it.op === "set" && it.id === op.id && it.k === op.k);
    pending.ops = pending.ops.filter((op) => !isReplaced(op));
    if (pending.ops.length === 0) return false;
    pending.isSent = false;
    this.pumpIn(RETRY_MS * tries);
    return true;
  }

  private settle(mid: string): void {
    this.retries.delete(mid);
    this.wires.keep?.removeChange(mid);
  }

  /** Sends what waits, as far as the rate allows. */
  private pump(): void {
    for (const { outlet } of this.lines.values()) {
      if (!outlet.isJoined) continue;
      for (const pending of outlet.store.unanswered()) {
        if (pending.isSent) continue;
        if (!this.pace.take()) {
          this.pumpIn(this.pace.waitMs);
          return;
        }
        if (!this.wires.send({ t: "mut", ch: outlet.ch, mid: pending.mid, ops: pending.ops })) return;
        pending.isSent = true;
      }
    }
  }

  private pumpIn(ms: number): void {
    if (this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.pump();
    }, ms);
  }

  private saveSoon(line: Line): void {
    line.saver ??= setTimeout(() => this.save(line), STATE_EVERY_MS);
  }

  /** Keeps the confirmed state, so that the next visit resumes instead of reading everything. */
  private save(line: Line): void {
    clearTimeout(line.saver);
    line.saver = undefined;
    const { ch, store } = line.outlet;
    const kept = store.kept();
    const { keep } = this.wires;
    if (!keep || !kept || !ch.startsWith("board:")) return;
    if (Object.keys(kept.state).length > STATE_OBJECTS_MAX) keep.removeState(ch);
    else keep.putState({ ch, user: this.wires.user(), at: Date.now(), ...kept });
  }
}
