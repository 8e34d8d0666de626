// Spatial hash: which objects lie in a part of the board, without looking at all of them.
import { overlaps, type Rect } from "./geometry";

const CELL = 1_024;
/** An object over more cells than this (a huge zone) is kept aside and looked at every time. */
const CELLS_MAX = 64;

/** Objects by place. */
export class SpatialGrid {
  private readonly cells = new Map<string, Set<string>>();
  private readonly rects = new Map<string, Rect>();
  private readonly large = new Set<string>();

  get size(): number {
    return this.rects.size;
  }

  /** Puts an object, or moves it. */
  put(id: string, rect: Rect): void {
    this.remove(id);
    this.rects.set(id, rect);
    const keys = keysOf(rect);
    if (keys === null) {
      this.large.add(id);
      return;
    }
    for (const key of keys) {
      const cell = this.cells.get(key) ?? new Set();
      this.cells.set(key, cell);
      cell.add(id);
    }
  }

  /** Takes an object away. */
  remove(id: string): void {
    const rect = this.rects.get(id);
    if (!rect) return;
    this.rects.delete(id);
    this.large.delete(id);
    for (const key of keysOf(rect) ?? []) {
      const cell = this.cells.get(key);
      cell?.delete(id);
      if (cell?.size === 0) this.cells.delete(key);
    }
  }

  /** Where an object lies. */
  rect(id: string): Rect | undefined {
    return this.rects.get(id);
  }

  /** All objects with their places. */
  entries(): IterableIterator<[string, Rect]> {
    return this.rects.entries();
  }

  /** The ids of the objects that `area` touches, each once, in no particular order. */
  query(area: Rect): string[] {
    const found = new Set<string>();
    const look = (ids: Iterable<string>) => {
      for (const id of ids) {
        const rect = this.rects.get(id);
        if (rect && overlaps(rect, area)) found.add(id);
      }
    };
    look(this.large);
    const keys = keysOf(area, this.cells.size);
    if (keys === null) look(this.rects.keys());
    else for (const key of keys) look(this.cells.get(key) ?? []);
    return [...found];
  }
}

/** The cells below a rectangle; `null` when there are more than `most`. */
function keysOf(rect: Rect, most = CELLS_MAX): string[] | null {
  const left = Math.floor(rect.x / CELL);
  const right = Math.floor((rect.x + rect.w) / CELL);
  const top = Math.floor(rect.y / CELL);
  const bottom = Math.floor((rect.y + rect.h) / CELL);
  if ((right - left + 1) * (bottom - top + 1) > Math.max(most, CELLS_MAX)) return null;
  const keys: string[] = [];
  for (let x = left; x <= right; x += 1) for (let y = top; y <= bottom; y += 1) keys.push(`${x}:${y}`);
  return keys;
}
