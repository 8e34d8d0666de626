// A bounded number of places, first come, first served; who waits is told when one is free.

/** The places. */
export class Slots {
  private readonly taken = new Set<symbol>();
  private readonly waiting = new Map<symbol, () => void>();

  constructor(private readonly most: number) {}

  /** Calls `enter` as soon as there is a place, now or later; returns the way to give it up. */
  want(enter: () => void): () => void {
    const key = Symbol("slot");
    if (this.taken.size < this.most) {
      this.taken.add(key);
      enter();
    } else this.waiting.set(key, enter);
    return () => {
      this.waiting.delete(key);
      if (this.taken.delete(key)) this.next();
    };
  }

  private next(): void {
    for (const [key, enter] of this.waiting) {
      if (this.taken.size >= this.most) return;
      this.waiting.delete(key);
      this.taken.add(key);
      enter();
    }
  }
}
