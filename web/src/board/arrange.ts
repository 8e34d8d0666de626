// Aligning and distributing, as pure functions: from where things lie to where they go.
import { bounds, type Rect } from "./geometry";

export type Alignment = "left" | "centre" | "right" | "top" | "middle" | "bottom";
export type Axis = "x" | "y";

/** A thing with its place. */
export interface Lying {
  id: string;
  rect: Rect;
}

/** A thing's new upper left corner. */
export interface Moved {
  id: string;
  pos: [number, number];
}

function aligned(rect: Rect, around: Rect, how: Alignment): [number, number] {
  switch (how) {
    case "left":
      return [around.x, rect.y];
    case "centre":
      return [around.x + (around.w - rect.w) / 2, rect.y];
    case "right":
      return [around.x + around.w - rect.w, rect.y];
    case "top":
      return [rect.x, around.y];
    case "middle":
      return [rect.x, around.y + (around.h - rect.h) / 2];
    case "bottom":
      return [rect.x, around.y + around.h - rect.h];
  }
}

/** Only what really moves, on whole units. */
function moves(things: readonly Lying[], place: (thing: Lying) => readonly [number, number]): Moved[] {
  const moved: Moved[] = [];
  for (const thing of things) {
    const [x, y] = place(thing).map(Math.round) as [number, number];
    if (x !== thing.rect.x || y !== thing.rect.y) moved.push({ id: thing.id, pos: [x, y] });
  }
  return moved;
}

/** Lines things up at a side or the middle of the rectangle around them. */
export function align(things: readonly Lying[], how: Alignment): Moved[] {
  const around = bounds(things.map(({ rect }) => rect));
  if (!around || things.length < 2) return [];
  return moves(things, ({ rect }) => aligned(rect, around, how));
}

/** Makes the gaps between things equal along an axis; the outermost stay. */
export function distribute(things: readonly Lying[], axis: Axis): Moved[] {
  if (things.length < 3) return [];
  const low = ({ rect }: Lying) => (axis === "x" ? rect.x : rect.y);
  const length = ({ rect }: Lying) => (axis === "x" ? rect.w : rect.h);
  const sorted = [...things].sort((a, b) => low(a) - low(b) || (a.id < b.id ? -1 : 1));
  const [first, last] = [sorted[0], sorted[sorted.length - 1]];
  if (!first || !last) return [];
  const space = low(last) + length(last) - low(first) - sorted.reduce((sum, thing) => sum + length(thing), 0);
  const gap = space / (sorted.length - 1);
  let at = low(first);
  const places = new Map<string, number>();
  for (const thing of sorted) {
    places.set(thing.id, at);
    at += length(thing) + gap;
  }
  return moves(sorted, ({ id, rect }) => {
    const place = places.get(id) ?? 0;
    return axis === "x" ? [place, rect.y] : [rect.x, place];
  });
}

const TIDY_GAP = 40;

/** Puts things into rows without gaps and overlaps, in reading order, about as wide as they were. */
export function tidied(things: readonly Lying[]): Moved[] {
  const around = bounds(things.map(({ rect }) => rect));
  if (!around || things.length < 2) return [];
  const area = things.reduce((sum, { rect }) => sum + (rect.w + TIDY_GAP) * (rect.h + TIDY_GAP), 0);
  const widest = Math.max(...things.map(({ rect }) => rect.w));
  const width = Math.max(widest, Math.sqrt(area * 1.8));
  const sorted = [...things].sort((a, b) => Math.round(a.rect.y / 120) - Math.round(b.rect.y / 120) || a.rect.x - b.rect.x);
  const places = new Map<string, [number, number]>();
  let [x, y, row] = [0, 0, 0];
  for (const { id, rect } of sorted) {
    if (x > 0 && x + rect.w > width) {
      y += row + TIDY_GAP;
      x = 0;
      row = 0;
    }
    places.set(id, [around.x + x, around.y + y]);
    x += rect.w + TIDY_GAP;
    row = Math.max(row, rect.h);
  }
  return moves(sorted, ({ id, rect }) => places.get(id) ?? [rect.x, rect.y]);
}
