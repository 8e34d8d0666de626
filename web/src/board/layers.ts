// Writes to the elements of the board by hand: transforms of layers, places of objects, the selecting box.
import type { Rect, Viewport } from "./geometry";
import { GRID } from "./snap";
import type { Layers } from "./state";

/** Moves the layers, and the dots behind them, to where the view is. */
export function showView({ root, back, front }: Layers, view: Viewport): void {
  const transform = `translate(${view.x}px, ${view.y}px) scale(${view.z})`;
  back.style.transform = transform;
  front.style.transform = transform;
  const spacing = GRID * view.z * (view.z < 0.2 ? 8 : view.z < 0.5 ? 4 : view.z < 0.9 ? 2 : 1);
  root.style.setProperty("--dot-spacing", `${spacing}px`);
  root.style.setProperty("--dot-x", `${view.x % spacing}px`);
  root.style.setProperty("--dot-y", `${view.y % spacing}px`);
  root.style.setProperty("--label-scale", String(Math.max(1, 0.85 / view.z)));
}

/** Puts an object's element where it lies; `isSized` gives it the size as well. */
export function placeElement({ style }: HTMLElement, rect: Rect, rank: number, isSized: boolean): void {
  const zIndex = String(rank);
  if (style.zIndex !== zIndex) style.zIndex = zIndex;
  const transform = `translate(${rect.x}px, ${rect.y}px)`;
  if (style.transform !== transform) style.transform = transform;
  if (!isSized) return;
  const [width, height] = [`${rect.w}px`, `${rect.h}px`];
  if (style.width !== width) style.width = width;
  if (style.height !== height) style.height = height;
}

/** Shows the rectangle that selects or is drawn, in window pixels. */
export function showBox({ style }: HTMLElement, box: Rect | null): void {
  style.display = box ? "block" : "none";
  if (!box) return;
  style.transform = `translate(${box.x}px, ${box.y}px)`;
  style.width = `${box.w}px`;
  style.height = `${box.h}px`;
}
