// The way of a line between two rectangles, as pure functions: curve, arrow head, middle, distance.
import { between, type Point, type Rect } from "./geometry";

/** A cubic curve by its four points. */
export interface Route {
  from: Point;
  a: Point;
  b: Point;
  to: Point;
}

/** Steps in which a curve is measured: finer than anybody can click. */
const STEPS = 24;
const HEAD = 9;

/** With so much more room beside than above, a line goes from side to side. */
const SIDEWAYS = 2;

/** Where a line leaves a rectangle and meets another: below and above, or at the sides when level or far aside. */
export function routeOf(from: Rect, to: Rect): Route {
  const isBelow = to.y > from.y + from.h;
  const gapX = Math.max(to.x - from.x - from.w, from.x - to.x - to.w);
  const gapY = Math.max(to.y - from.y - from.h, from.y - to.y - to.h);
  if (gapY > 0 && gapX < SIDEWAYS * gapY) {
    const start: Point = [from.x + from.w / 2, isBelow ? from.y + from.h : from.y];
    const end: Point = [to.x + to.w / 2, isBelow ? to.y : to.y + to.h];
    const middle = (start[1] + end[1]) / 2;
    return { from: start, a: [start[0], middle], b: [end[0], middle], to: end };
  }
  const isRight = to.x + to.w / 2 >= from.x + from.w / 2;
  const start: Point = [isRight ? from.x + from.w : from.x, from.y + from.h / 2];
  const end: Point = [isRight ? to.x : to.x + to.w, to.y + to.h / 2];
  const middle = (start[0] + end[0]) / 2;
  return { from: start, a: [middle, start[1]], b: [middle, end[1]], to: end };
}

/** The point at `t` from 0 to 1. */
export function pointAt({ from, a, b, to }: Route, t: number): [number, number] {
  const u = 1 - t;
  const mix = (index: 0 | 1) => u * u * u * from[index] + 3 * u * u * t * a[index] + 3 * u * t * t * b[index] + t * t * t * to[index];
  return [mix(0), mix(1)];
}

/** How far a point is from the curve. */
export function distanceTo(route: Route, [x, y]: Point): number {
  let shortest = Number.POSITIVE_INFINITY;
  let [px, py] = pointAt(route, 0);
  for (let step = 1; step <= STEPS; step += 1) {
    const [qx, qy] = pointAt(route, step / STEPS);
    const length = (qx - px) ** 2 + (qy - py) ** 2;
    const along = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - px) * (qx - px) + (y - py) * (qy - py)) / length));
    shortest = Math.min(shortest, Math.hypot(x - px - along * (qx - px), y - py - along * (qy - py)));
    [px, py] = [qx, qy];
  }
  return shortest;
}

/** The smallest rectangle around the curve's points; the curve never leaves it. */
export function areaOf({ from, a, b, to }: Route): Rect {
  const one = between(from, to);
  const other = between(a, b);
  const x = Math.min(one.x, other.x);
  const y = Math.min(one.y, other.y);
  return { x, y, w: Math.max(one.x + one.w, other.x + other.w) - x, h: Math.max(one.y + one.h, other.y + other.h) - y };
}

/** The two ends of the strokes that make the arrow head at `to`. */
export function headOf({ b, to }: Route, scale = 1): [Point, Point] {
  const angle = Math.atan2(to[1] - b[1], to[0] - b[0]);
  const end = (turn: number): Point => [to[0] - HEAD * scale * Math.cos(angle + turn), to[1] - HEAD * scale * Math.sin(angle + turn)];
  return [end(0.45), end(-0.45)];
}
