// State of one topic: what the server confirmed, plus local changes that it has not answered yet.
// Pure bookkeeping; the socket and its frames are in `client.ts`.
import type { Event, Op, TopicObject } from "@/wire";

interface Pending {
  mid: string;
  ops: Op[];
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
    for (const [id, object] of Object.entries(state)) if (object) this.confirmed.set(id, object);
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
        touched.add(op.id);
      }
      if (event.mid !== undefined) this.settle(event.mid, touched);
    }
    this.rebuild(touched);
    return outcome;
  }

  /** Shows a local change at once, until the server confirms or refuses it. */
  mutate(mid: string, ops: Op[]): void {
    this.pending.push({ mid, ops });
    this.rebuild(new Set(ops.map((op) => op.id)));
  }

  /** The server stored the mutation as event `seq`; when that event is in the state already, it is done. */
  ack(mid: string, seq: number): void {
    if (seq > this.seq) return;
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
  unanswered(): readonly Pending[] {
    return this.pending;
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
