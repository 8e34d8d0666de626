// Snapping, as pure functions: where a moved or resized rectangle clicks into place, and the guides that say why.
import type { Rect } from "./geometry";

/** Distance of the grid that things snap to, in board units. */
export const GRID = 20;

/** A line that shows what something lines up with: at `at` on its axis, from `from` to `to` across. */
export interface Guide {
  axis: "x" | "y";
  at: number;
  from: number;
  to: number;
}

/** Which side of a rectangle is moved; 0 moves neither. */
export type Side = -1 | 0 | 1;

interface Span {
  low: number;
  high: number;
  crossLow: number;
  crossHigh: number;
}

const spanOf = (rect: Rect, axis: "x" | "y"): Span =>
  axis === "x"
    ? { low: rect.x, high: rect.x + rect.w, crossLow: rect.y, crossHigh: rect.y + rect.h }
    : { low: rect.y, high: rect.y + rect.h, crossLow: rect.x, crossHigh: rect.x + rect.w };

/** The lines of a span that others line up with: both sides and the middle. */
const linesOf = ({ low, high }: Span): number[] => [low, (low + high) / 2, high];

interface Found {
  shift: number;
  guides: Guide[];
}

/** The smallest shift that brings one of `lines` onto a line of another rectangle; `null` when none is in reach. */
function toOthers(axis: "x" | "y", lines: readonly number[], moving: Span, others: readonly Rect[], reach: number): Found | null {
  let shift = Number.POSITIVE_INFINITY;
  for (const other of others) {
    for (const line of linesOf(spanOf(other, axis))) {
      for (const own of lines) if (Math.abs(line - own) < Math.abs(shift)) shift = line - own;
    }
  }
  if (Math.abs(shift) > reach) return null;
  const guides = new Map<number, Guide>();
  for (const other of others) {
    const span = spanOf(other, axis);
    for (const line of linesOf(span)) {
      if (!lines.some((own) => Math.abs(own + shift - line) < 0.01)) continue;
      const known = guides.get(line);
      guides.set(line, {
        axis,
        at: line,
        from: Math.min(known?.from ?? moving.crossLow, span.crossLow),
        to: Math.max(known?.to ?? moving.crossHigh, span.crossHigh),
      });
    }
  }
  return { shift, guides: [...guides.values()] };
}

const toGrid = (value: number): number => Math.round(value / GRID) * GRID - value;

/** How far a moved rectangle has to go further: onto the lines of others within `reach`, else onto the grid. */
export function snapMoved(moving: Rect, others: readonly Rect[], reach: number): { dx: number; dy: number; guides: Guide[] } {
  const along = (axis: "x" | "y"): Found => {
    const span = spanOf(moving, axis);
    return toOthers(axis, linesOf(span), span, others, reach) ?? { shift: toGrid(span.low), guides: [] };
  };
  const x = along("x");
  const y = along("y");
  return { dx: x.shift, dy: y.shift, guides: [...x.guides, ...y.guides] };
}

/** The same for the moved sides of a rectangle that is resized or drawn. */
export function snapSides(
  rect: Rect,
  sides: readonly [Side, Side],
  others: readonly Rect[],
  reach: number,
): { dx: number; dy: number; guides: Guide[] } {
  const along = (axis: "x" | "y", side: Side): Found => {
    if (side === 0) return { shift: 0, guides: [] };
    const span = spanOf(rect, axis);
    const line = side < 0 ? span.low : span.high;
    return toOthers(axis, [line], span, others, reach) ?? { shift: toGrid(line), guides: [] };
  };
  const x = along("x", sides[0]);
  const y = along("y", sides[1]);
  return { dx: x.shift, dy: y.shift, guides: [...x.guides, ...y.guides] };
}

/** A rectangle with the sides at a handle moved, never smaller than `least`; `isProportional` keeps its shape. */
export function resized(
  rect: Rect,
  [sx, sy]: readonly [Side, Side],
  dx: number,
  dy: number,
  least: readonly [number, number],
  isProportional = false,
): Rect {
  let w = Math.max(least[0], rect.w + sx * dx);
  let h = Math.max(least[1], rect.h + sy * dy);
  if (isProportional && rect.w > 0 && rect.h > 0) {
    const byWidth = w / rect.w;
    const byHeight = h / rect.h;
    const wanted = sx === 0 ? byHeight : sy === 0 ? byWidth : Math.max(byWidth, byHeight);
    const scale = Math.max(wanted, least[0] / rect.w, least[1] / rect.h);
    w = rect.w * scale;
    h = rect.h * scale;
  }
  return { x: sx < 0 ? rect.x + rect.w - w : rect.x, y: sy < 0 ? rect.y + rect.h - h : rect.y, w, h };
}
