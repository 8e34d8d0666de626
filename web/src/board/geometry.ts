// Geometry of the board, as pure functions. Board units are CSS pixels at zoom 1.

/** What part of the board the window shows: the window's origin is at (`x`, `y`) pixels, `z` is the zoom. */
export interface Viewport {
  x: number;
  y: number;
  z: number;
}

/** A rectangle in board units. */
export interface Rect {
  x: number;
  y: number;
  w: number;
  h: number;
}

export type Point = readonly [number, number];
export type Direction = "left" | "right" | "up" | "down";

export const ZOOM_MIN = 0.05;
export const ZOOM_MAX = 2.5;
/** Below this zoom cards are rectangles with titles. */
export const FAR_ZOOM = 0.35;

/** The board point below a window point. */
export function toBoard(view: Viewport, px: number, py: number): [number, number] {
  return [(px - view.x) / view.z, (py - view.y) / view.z];
}

/** The window point above a board point. */
export function toWindow(view: Viewport, x: number, y: number): [number, number] {
  return [x * view.z + view.x, y * view.z + view.y];
}

/** Zooms by `factor` so that the board point below (`px`, `py`) stays there. */
export function zoomedAt(view: Viewport, px: number, py: number, factor: number): Viewport {
  const z = Math.min(ZOOM_MAX, Math.max(ZOOM_MIN, view.z * factor));
  const ratio = z / view.z;
  return { x: px - (px - view.x) * ratio, y: py - (py - view.y) * ratio, z };
}

/** The smallest rectangle around all of them; `null` around nothing. */
export function bounds(rects: Iterable<Rect>): Rect | null {
  let left = Number.POSITIVE_INFINITY;
  let top = Number.POSITIVE_INFINITY;
  let right = Number.NEGATIVE_INFINITY;
  let bottom = Number.NEGATIVE_INFINITY;
  for (const rect of rects) {
    left = Math.min(left, rect.x);
    top = Math.min(top, rect.y);
    right = Math.max(right, rect.x + rect.w);
    bottom = Math.max(bottom, rect.y + rect.h);
  }
  return left === Number.POSITIVE_INFINITY ? null : { x: left, y: top, w: right - left, h: bottom - top };
}

/** The viewport that shows all of `area` in the middle of a window, at most at its natural size. */
export function fitted(area: Rect, width: number, height: number, margin = 56): Viewport {
  const room = (space: number) => Math.max(1, space - 2 * margin);
  const wanted = Math.min(1, room(width) / Math.max(1, area.w), room(height) / Math.max(1, area.h));
  const z = Math.max(ZOOM_MIN, wanted);
  return { x: width / 2 - (area.x + area.w / 2) * z, y: height / 2 - (area.y + area.h / 2) * z, z };
}

/** The part of the board that a window of this size shows, with `margin` pixels around it. */
export function shown(view: Viewport, width: number, height: number, margin = 0): Rect {
  const [x, y] = toBoard(view, -margin, -margin);
  return { x, y, w: (width + 2 * margin) / view.z, h: (height + 2 * margin) / view.z };
}

/** How far the view has to move so that the rectangle is in the window, `margin` pixels from its border. */
export function shiftInto(view: Viewport, rect: Rect, width: number, height: number, margin = 24): [number, number] {
  const [left, top] = toWindow(view, rect.x, rect.y);
  const [right, bottom] = toWindow(view, rect.x + rect.w, rect.y + rect.h);
  const shift = (low: number, high: number, size: number) =>
    low < margin ? margin - low : high > size - margin ? Math.max(size - margin - high, margin - low) : 0;
  return [shift(left, right, width), shift(top, bottom, height)];
}

/** Whether two rectangles share more than a border. */
export function overlaps(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

/** Whether the point lies in the rectangle. */
export function contains(rect: Rect, [x, y]: Point): boolean {
  return x >= rect.x && x < rect.x + rect.w && y >= rect.y && y < rect.y + rect.h;
}

/** The middle of a rectangle. */
export function centre(rect: Rect): [number, number] {
  return [rect.x + rect.w / 2, rect.y + rect.h / 2];
}

/** The rectangle between two corners. */
export function between([ax, ay]: Point, [bx, by]: Point): Rect {
  return { x: Math.min(ax, bx), y: Math.min(ay, by), w: Math.abs(bx - ax), h: Math.abs(by - ay) };
}

/** How much further away a step to the side counts than a step ahead. */
const SIDEWAYS = 2.5;

/** The nearest rectangle in a direction; things to the side count as further away. */
export function neighbour(from: Rect, others: Iterable<[string, Rect]>, direction: Direction): string | null {
  const [fx, fy] = centre(from);
  let best: string | null = null;
  let shortest = Number.POSITIVE_INFINITY;
  for (const [id, rect] of others) {
    const [x, y] = centre(rect);
    const right = x - fx;
    const down = y - fy;
    const ahead = direction === "left" ? -right : direction === "right" ? right : direction === "up" ? -down : down;
    const aside = direction === "left" || direction === "right" ? down : right;
    if (ahead <= 0) continue;
    const distance = ahead + SIDEWAYS * Math.abs(aside);
    if (distance < shortest) {
      shortest = distance;
      best = id;
    }
  }
  return best;
}

/** Orders rectangles as one reads: rows of about a card's height, from left to right. */
export function readingOrder(a: Rect, b: Rect): number {
  const row = Math.round(a.y / 120) - Math.round(b.y / 120);
  return row !== 0 ? row : a.x - b.x;
}
