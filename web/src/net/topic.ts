// State of one topic: what the server confirmed, plus local changes that it has not answered yet.
// Pure bookkeeping; the socket and its frames are in `client.ts`.
import type { Event, Op, TopicObject } from "@/wire";

/** A local change that is not in the confirmed state yet. */
export interface Pending {
  mid: string;
  ops: Op[];
  /** Whether it went out on the present connection. */
  isSent: boolean;
  /** The event it became, once the server has said so; it only waits for that event now. */
  seq: number | null;
}

/** The event that last set a property, as far as events told it; snapshots do not. */
export interface Stamp {
  seq: number;
  by: string | undefined;
}

/** Called with the ids of the objects that changed. */
export type ChangeListener = (ids: ReadonlySet<string>) => void;

function applied(objects: Map<string, TopicObject>, op: Op): void {
  switch (op.op) {
    case "put":
      objects.set(op.id, { kind: op.kind, v: { ...op.v } });
      return;
    case "set": {
      const object = objects.get(op.id);
      if (object) objects.set(op.id, { kind: object.kind, v: { ...object.v, [op.k]: op.v } });
      return;
    }
    case "del":
      objects.delete(op.id);
  }
}

const NO_STAMPS: ReadonlyMap<string, Stamp> = new Map();

/** Confirmed state, pending mutations and the view made of both. */
export class TopicStore {
  /** Identity of the log; `null` before the first snapshot. */
  epoch: string | null = null;
  /** Newest event in the confirmed state. */
  seq = 0;
  /** Raised with each visible change, for readers of the whole topic. */
  version = 0;
  private readonly confirmed = new Map<string, TopicObject>();
  private readonly view = new Map<string, TopicObject>();
  private readonly stamps = new Map<string, Map<string, Stamp>>();
  private pending: Pending[] = [];
  private readonly byId = new Map<string, Set<() => void>>();
  private readonly listeners = new Set<ChangeListener>();

  /** Whether a snapshot has come. */
  get isLoaded(): boolean {
    return this.epoch !== null;
  }

  /** Replaces the confirmed state. */
  snapshot(epoch: string, seq: number, state: Record<string, TopicObject | undefined>): void {
    const touched = new Set([...this.view.keys(), ...Object.keys(state)]);
    this.epoch = epoch;
    this.seq = seq;
    this.confirmed.clear();
    this.stamps.clear();
    for (const [id, object] of Object.entries(state)) if (object) this.confirmed.set(id, object);
    const isIn = (it: Pending) => it.seq !== null && it.seq <= seq;
    for (const { mid } of this.pending.filter(isIn)) this.settle(mid, touched);
    this.rebuild(touched);
  }

  /** The confirmed state as it can be kept for the next visit; `null` before there is one. */
  kept(): { epoch: string; seq: number; state: Record<string, TopicObject> } | null {
    return this.epoch === null ? null : { epoch: this.epoch, seq: this.seq, state: Object.fromEntries(this.confirmed) };
  }

  /** Forgets the confirmed state; pending changes stay. */
  reset(): void {
    const touched = new Set(this.view.keys());
    this.epoch = null;
    this.seq = 0;
    this.confirmed.clear();
    this.stamps.clear();
    this.rebuild(touched);
  }

  /** Applies events in order; `gap` means that one is missing and the topic must be resumed from `seq`. */
  apply(events: readonly Event[]): "ok" | "gap" {
    const touched = new Set<string>();
    let outcome: "ok" | "gap" = "ok";
    for (const event of events) {
      if (event.seq <= this.seq) continue;
      if (event.seq !== this.seq + 1) {
        outcome = "gap";
        break;
      }
      this.seq = event.seq;
      for (const op of event.ops) {
        applied(this.confirmed, op);
        this.stamp(op, event);
        touched.add(op.id);
      }
      if (event.mid !== undefined) this.settle(event.mid, touched);
    }
    this.rebuild(touched);
    return outcome;
  }

  /** Shows a local change at once, until the server confirms or refuses it. */
  mutate(mid: string, ops: Op[]): void {
    if (this.pending.some((it) => it.mid === mid)) return;
    this.pending.push({ mid, ops, isSent: false, seq: null });
    this.rebuild(new Set(ops.map((op) => op.id)));
  }

  /** The server stored the mutation as event `seq`; when that event is in the state already, it is done. */
  ack(mid: string, seq: number): void {
    if (seq > this.seq) {
      const waiting = this.pending.find((it) => it.mid === mid);
      if (waiting) waiting.seq = seq;
      return;
    }
    const touched = new Set<string>();
    this.settle(mid, touched);
    this.rebuild(touched);
  }

  /** The server refused the mutation: the confirmed state shows again. Returns whether it was known. */
  nack(mid: string): boolean {
    const touched = new Set<string>();
    this.settle(mid, touched);
    this.rebuild(touched);
    return touched.size > 0;
  }

  /** Mutations without an answer, oldest first. */
  unanswered(): Pending[] {
    return this.pending.filter((it) => it.seq === null);
  }

  /** Which event last set a property; `undefined` when no event since the snapshot did. */
  stampOf(id: string, k: string): Stamp | undefined {
    return this.stamps.get(id)?.get(k);
  }

  /** All properties of an object that events have set. */
  stampsOf(id: string): ReadonlyMap<string, Stamp> {
    return this.stamps.get(id) ?? NO_STAMPS;
  }

  /** An object as people see it. */
  get(id: string): TopicObject | undefined {
    return this.view.get(id);
  }

  /** All objects as people see them. */
  entries(): IterableIterator<[string, TopicObject]> {
    return this.view.entries();
  }

  /** Calls `listener` when this object changes; returns the way to stop it. */
  subscribe(id: string, listener: () => void): () => void {
    const listeners = this.byId.get(id) ?? new Set();
    this.byId.set(id, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.byId.delete(id);
    };
  }

  /** Calls `listener` with the ids of all changes; returns the way to stop it. */
  subscribeAll(listener: ChangeListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private stamp(op: Op, { seq, by }: Event): void {
    if (op.op === "del") {
      this.stamps.delete(op.id);
      return;
    }
    const known = op.op === "put" ? new Map<string, Stamp>() : (this.stamps.get(op.id) ?? new Map<string, Stamp>());
    for (const k of op.op === "put" ? Object.keys(op.v) : [op.k]) known.set(k, { seq, by });
    this.stamps.set(op.id, known);
  }

  private settle(mid: string, touched: Set<string>): void {
    const settled = this.pending.find((it) => it.mid === mid);
    if (!settled) return;
    for (const op of settled.ops) touched.add(op.id);
    this.pending = this.pending.filter((it) => it !== settled);
  }

  /** Makes the view of these objects anew: the confirmed state with the pending changes on top. */
  private rebuild(ids: ReadonlySet<string>): void {
    if (ids.size === 0 && this.version > 0) return;
    for (const id of ids) {
      const object = this.confirmed.get(id);
      if (object) this.view.set(id, object);
      else this.view.delete(id);
    }
    for (const { ops } of this.pending) {
      for (const op of ops) if (ids.has(op.id)) applied(this.view, op);
    }
    this.version += 1;
    for (const id of ids) for (const listener of this.byId.get(id) ?? []) listener();
    for (const listener of this.listeners) listener(ids);
  }
}
