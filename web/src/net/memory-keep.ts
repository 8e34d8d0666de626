// A keep in memory, for tests: what the browser's database would hold.
import type { Keep, KeptChange, KeptState } from "./keep";

/** Keeps things as long as the object is there; several clients may share it, as windows do. */
export class MemoryKeep implements Keep {
  readonly changes = new Map<string, KeptChange>();
  readonly states = new Map<string, KeptState>();

  /** A keep with the same contents, for a page that is loaded after this one ended. */
  copy(): MemoryKeep {
    const made = new MemoryKeep();
    for (const change of this.changes.values()) made.putChange(change);
    for (const state of this.states.values()) made.putState(state);
    return made;
  }

  async load(ch: string): Promise<{ changes: KeptChange[]; state: KeptState | null }> {
    const changes = [...this.changes.values()].filter((it) => it.ch === ch).sort((a, b) => a.at - b.at);
    return { changes: structuredClone(changes), state: structuredClone(this.states.get(ch) ?? null) };
  }
  putChange(change: KeptChange): void {
    this.changes.set(change.mid, structuredClone(change));
  }
  removeChange(mid: string): void {
    this.changes.delete(mid);
  }
  putState(state: KeptState): void {
    this.states.set(state.ch, structuredClone(state));
  }
  removeState(ch: string): void {
    this.states.delete(ch);
  }
}
