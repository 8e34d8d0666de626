// Undo and redo of what this window did to one board, by inverse operations.
//
// A property is only put back while it is as the undone step left it: each write has a token, and the
// server compares the event number that goes along as `if`. What somebody else changed since stays.
import type { Op, TopicObject } from "@/wire";
import type { TopicStore } from "./topic";

/** Steps that can be undone; older ones cannot any more. */
export const STEPS_MAX = 100;
/** Properties whose last own write is remembered; beyond that the history begins anew. */
const PROPERTIES_MAX = 20_000;

/** The last own write of a property: what it stands for, and its event once that is known. */
interface Own {
  token: string;
  seq: number | null;
}

/** One property in one step: what it stood for before and after. `null` where the object is not there. */
interface Write {
  id: string;
  k: string;
  from: string | null;
  to: string | null;
  before: Own | undefined;
}

/** One change with its inverse. */
export interface Step {
  mid: string;
  undo: Op[];
  redo: Op[];
  writes: Write[];
}

/** Back or forth. */
export type Direction = "undo" | "redo";

/** What became of a wish to undo. */
export type Outcome =
  | { kind: "ops"; ops: Op[]; step: Step }
  /** The step has not left this window: it is simply taken out of the queue. */
  | { kind: "cancel"; mid: string }
  | { kind: "nothing" }
  /** Not possible; `by` is the user who changed it since, if that is the reason. */
  | { kind: "refused"; reason: "newer" | "unsaved"; by: string | undefined };

function copy(object: TopicObject): TopicObject {
  return { kind: object.kind, v: { ...object.v } };
}

/** Objects that go when this one goes. */
function attached(store: TopicStore, id: string): [string, TopicObject][] {
  return [...store.entries()].filter(([, { kind, v }]) => kind === "edge" && (v.from === id || v.to === id));
}

/** The steps of one board. */
export class History {
  /** Raised when what can be undone or redone is another. */
  version = 0;
  private done: Step[] = [];
  private undone: Step[] = [];
  private readonly own = new Map<string, Own>();
  private readonly running = new Map<string, Direction>();
  /** Own writes whose event is not known yet, by mutation. */
  private readonly waiting = new Map<string, Own[]>();
  private readonly listeners = new Set<() => void>();

  constructor(private readonly store: TopicStore) {}

  get canUndo(): boolean {
    return this.done.length > 0;
  }

  get canRedo(): boolean {
    return this.undone.length > 0;
  }

  /** Calls `listener` when what can be undone changes; returns the way to stop it. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Notes a change that is about to be made; call it before the store shows it. */
  record(mid: string, ops: readonly Op[]): void {
    if (this.own.size > PROPERTIES_MAX) this.forget();
    const step: Step = { mid, undo: [], redo: [...ops], writes: [] };
    const after = new Map<string, TopicObject | null>();
    const now = (id: string) => (after.has(id) ? (after.get(id) ?? undefined) : this.store.get(id));
    for (const op of ops) {
      const before = now(op.id);
      if (op.op === "put") {
        step.undo.unshift({ op: "del", id: op.id });
        for (const k of Object.keys(op.v)) this.note(step, op.id, k, null, mid);
        after.set(op.id, { kind: op.kind, v: { ...op.v } });
      } else if (op.op === "set" && before) {
        step.undo.unshift({ op: "set", id: op.id, k: op.k, v: before.v[op.k] ?? null });
        this.note(step, op.id, op.k, this.token(op.id, op.k), mid);
        after.set(op.id, { kind: before.kind, v: { ...before.v, [op.k]: op.v } });
      } else if (op.op === "del" && before) {
        // What lies between two things that both go comes back once, after both.
        const others = attached(this.store, op.id).filter(([id]) => now(id) !== undefined);
        const gone: [string, TopicObject][] = [[op.id, before], ...others];
        step.undo.unshift(...gone.map(([id, object]): Op => ({ op: "put", id, ...copy(object) })));
        for (const [id, object] of gone) {
          for (const k of Object.keys(object.v)) this.note(step, id, k, this.token(id, k), null);
          after.set(id, null);
        }
      }
    }
    if (step.undo.length === 0) return;
    this.done.push(step);
    this.done.splice(0, this.done.length - STEPS_MAX);
    this.undone = [];
    this.tell();
  }

  /** Forgets the last step when all that it did was to make this object; returns whether it was so. */
  retract(id: string): boolean {
    const step = this.done.at(-1);
    const [op] = step?.undo ?? [];
    if (step?.undo.length !== 1 || op?.op !== "del" || op.id !== id) return false;
    this.drop(step);
    return true;
  }

  /** Says what to do for the next step back or forth; `isUnsent` tells whether a change is still here. */
  next(direction: Direction, isUnsent: (mid: string) => boolean): Outcome {
    const [from, to] = this.lists(direction);
    const step = from.at(-1);
    if (!step) return { kind: "nothing" };
    if (isUnsent(step.mid)) {
      from.pop();
      to.push(step);
      for (const { id, k, before } of step.writes) this.put(id, k, before);
      this.tell();
      return { kind: "cancel", mid: step.mid };
    }
    const ops = this.opsOf(step, direction);
    if (!Array.isArray(ops)) {
      if (ops.reason === "newer") this.drop(step);
      return { kind: "refused", ...ops };
    }
    return { kind: "ops", ops, step };
  }

  /** The step is on its way as `mid`. */
  start(mid: string, step: Step, direction: Direction): void {
    const [from, to] = this.lists(direction);
    from.splice(from.indexOf(step), 1);
    to.push(step);
    step.mid = mid;
    this.running.set(mid, direction);
    for (const write of step.writes) {
      write.before = this.own.get(key(write.id, write.k));
      this.wrote(mid, write.id, write.k, direction === "undo" ? write.from : write.to);
    }
    this.tell();
  }

  /** The server stored it. */
  acked(mid: string, seq: number): void {
    this.running.delete(mid);
    for (const own of this.waiting.get(mid) ?? []) own.seq = seq;
    this.waiting.delete(mid);
  }

  /** The server refused it: there is nothing to undo. Returns whether it was an undo or a redo. */
  nacked(mid: string): Direction | null {
    const direction = this.running.get(mid) ?? null;
    this.running.delete(mid);
    this.waiting.delete(mid);
    const step = [...this.done, ...this.undone].find((it) => it.mid === mid);
    if (step) {
      for (const { id, k, before } of step.writes) this.put(id, k, before);
      this.drop(step);
    }
    return direction;
  }

  private opsOf(step: Step, direction: Direction): Op[] | { reason: "newer" | "unsaved"; by: string | undefined } {
    for (const write of step.writes) {
      const expected = direction === "undo" ? write.to : write.from;
      if (expected === null) {
        if (this.store.get(write.id)) return { reason: "newer", by: undefined };
        continue;
      }
      if (!this.store.get(write.id)) return { reason: "newer", by: undefined };
      if (this.token(write.id, write.k) !== expected) return { reason: "newer", by: this.store.stampOf(write.id, write.k)?.by };
      if (this.own.get(key(write.id, write.k))?.seq === null) return { reason: "unsaved", by: undefined };
    }
    const ops: Op[] = [];
    for (const op of direction === "undo" ? step.undo : step.redo) {
      if (op.op === "set") ops.push(this.compared(op.id, op.k, op.v));
      else if (op.op === "del") {
        const foreign = this.foreign(op.id, step);
        if (foreign) return { reason: "newer", by: foreign.by };
        ops.push(this.removal(op.id));
      } else ops.push(op);
    }
    return ops;
  }

  /** Somebody else's property on an object that a step would take away. */
  private foreign(id: string, step: Step): { by: string | undefined } | null {
    const mine = new Set(step.writes.filter((write) => write.id === id).map((write) => write.k));
    for (const [k, { by, seq }] of this.store.stampsOf(id)) {
      if (!mine.has(k) && this.own.get(key(id, k))?.seq !== seq) return { by };
    }
    return null;
  }

  /** Takes an object away unless somebody was faster than their change is here. */
  private removal(id: string): Op {
    const object = this.store.get(id);
    const seqs = Object.keys(object?.v ?? {}).map((k) => this.seqOf(id, k) ?? 0);
    const newest = Math.max(0, ...seqs);
    return newest === 0 ? { op: "del", id } : { op: "del", id, if: newest };
  }

  private compared(id: string, k: string, v: unknown): Op {
    const seq = this.seqOf(id, k);
    return seq === undefined ? { op: "set", id, k, v } : { op: "set", id, k, v, if: seq };
  }

  private seqOf(id: string, k: string): number | undefined {
    return this.own.get(key(id, k))?.seq ?? this.store.stampOf(id, k)?.seq;
  }

  /** What the property's present value stands for. */
  private token(id: string, k: string): string {
    const own = this.own.get(key(id, k));
    const stamp = this.store.stampOf(id, k);
    if (own && (own.seq === null || !stamp || stamp.seq <= own.seq)) return own.token;
    return `s${stamp?.seq ?? 0}`;
  }

  private note(step: Step, id: string, k: string, from: string | null, to: string | null): void {
    const known = step.writes.find((write) => write.id === id && write.k === k);
    if (known) known.to = to;
    else step.writes.push({ id, k, from, to, before: this.own.get(key(id, k)) });
    this.wrote(step.mid, id, k, to);
  }

  private wrote(mid: string, id: string, k: string, token: string | null): void {
    const own = token === null ? undefined : { token, seq: null };
    this.put(id, k, own);
    if (!own) return;
    const others = this.waiting.get(mid);
    if (others) others.push(own);
    else this.waiting.set(mid, [own]);
  }

  private put(id: string, k: string, own: Own | undefined): void {
    if (own) this.own.set(key(id, k), own);
    else this.own.delete(key(id, k));
  }

  private lists(direction: Direction): [Step[], Step[]] {
    return direction === "undo" ? [this.done, this.undone] : [this.undone, this.done];
  }

  private forget(): void {
    this.done = [];
    this.undone = [];
    this.own.clear();
    this.waiting.clear();
  }

  private drop(step: Step): void {
    this.done = this.done.filter((it) => it !== step);
    this.undone = this.undone.filter((it) => it !== step);
    this.tell();
  }

  private tell(): void {
    this.version += 1;
    for (const listener of this.listeners) listener();
  }
}

function key(id: string, k: string): string {
  return `${id} ${k}`;
}
