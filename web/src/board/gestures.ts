// Pointer, wheel and touch on the board: which gesture a press is, panning by wheel, pinching.
// What the gestures do is in `drags.ts`.
import { BoxDrag, type Drag, DrawDrag, LinkDrag, MoveDrag, PanDrag, PinDrag, type Pointing, pointingAt, ResizeDrag } from "./drags";
import type { Engine } from "./engine";
import type { Side } from "./snap";
import { isDrawTool, NOTHING } from "./state";

/** Movement that makes a click a drag. Capturing the pointer earlier would swallow the click. */
const SLOP_PX = 3;
const WHEEL_ZOOM = 0.0022;
const LINE_PX = 32;
const PASSIVE = "button, input, textarea, select, a, [contenteditable=true], [data-no-drag]";

interface Press {
  drag: Drag;
  startX: number;
  startY: number;
  isMoving: boolean;
}

/** Listens on the board's root; returns the way to stop. */
export function listen(engine: Engine): () => void {
  return new Gestures(engine).close;
}

class Gestures {
  private press: Press | null = null;
  private readonly touches = new Map<number, { x: number; y: number }>();
  private isSpaceDown = false;
  private readonly abort = new AbortController();
  private readonly root: HTMLElement;

  constructor(private readonly engine: Engine) {
    this.root = engine.layers.root;
    const { signal } = this.abort;
    this.root.addEventListener("wheel", (event) => this.wheel(event), { passive: false, signal });
    this.root.addEventListener("pointerdown", (event) => this.down(event), { signal });
    this.root.addEventListener("pointermove", (event) => this.move(event), { signal });
    this.root.addEventListener("pointerup", (event) => this.up(event), { signal });
    this.root.addEventListener("pointercancel", (event) => this.cancel(event), { signal });
    this.root.addEventListener("pointerleave", () => engine.channel.presence.set({ cur: null }), { signal });
    addEventListener("keydown", (event) => this.key(event, true), { signal });
    addEventListener("keyup", (event) => this.key(event, false), { signal });
    addEventListener("blur", () => this.space(false), { signal });
  }

  close = (): void => {
    this.abort.abort();
    this.engine.channel.presence.set({ cur: null, drag: null });
  };

  private local(event: MouseEvent): [number, number] {
    const box = this.root.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  private wheel(event: WheelEvent): void {
    if ((event.target as Element).closest("[data-scroll]")) return;
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1;
    const [px, py] = this.local(event);
    if (event.ctrlKey || event.metaKey) {
      const step = Math.max(-240, Math.min(240, event.deltaY * unit));
      this.engine.zoomAt(px, py, Math.exp(-step * WHEEL_ZOOM));
    } else if (event.shiftKey && event.deltaX === 0) this.engine.pan(-event.deltaY * unit, 0);
    else this.engine.pan(-event.deltaX * unit, -event.deltaY * unit);
  }

  private down(event: PointerEvent): void {
    const target = event.target as Element;
    if (target.closest(PASSIVE) || event.button === 2) return;
    const [x, y] = this.local(event);
    if (event.pointerType === "touch") this.touches.set(event.pointerId, { x, y });
    if (this.touches.size > 1) {
      this.drop();
      return;
    }
    const drag = this.dragFor(event, pointingAt(this.engine, x, y, event));
    this.press = { drag, startX: x, startY: y, isMoving: false };
    if (event.button === 1) event.preventDefault();
  }

  /** What a press at this point begins. */
  private dragFor(event: PointerEvent, pointing: Pointing): Drag {
    const { engine } = this;
    const { tool, selected, canEdit } = engine.state;
    const target = event.target as Element;
    const isTouch = event.pointerType === "touch";
    if (event.button === 1 || this.isSpaceDown || tool === "hand") return new PanDrag(engine, pointing);
    const handle = target.closest<HTMLElement>("[data-handle]")?.dataset;
    const [only] = selected;
    if (handle?.handle === "link" && only !== undefined) return new LinkDrag(engine, only);
    if (handle?.handle !== undefined && only !== undefined) return new ResizeDrag(engine, pointing, only, sidesOf(handle.handle));
    if (isDrawTool(tool)) return new DrawDrag(engine, pointing, tool);
    if (tool === "edge") return new LinkDrag(engine, engine.linkable(pointing.at));
    if (tool === "comment") return new PinDrag(engine);
    const element = target.closest<HTMLElement>("[data-id]");
    const id = element?.dataset.id ?? engine.hit(...pointing.at);
    if (id === null) return isTouch ? new PanDrag(engine, pointing) : new BoxDrag(engine, pointing, event.shiftKey ? selected : NOTHING);
    const move = new MoveDrag(engine, pointing, id);
    if (canEdit && (!isTouch || selected.has(id))) return move;
    // A finger moves the board, unless the object was chosen before; so does who may not move objects.
    return Object.assign(new PanDrag(engine, pointing), { click: (it: Pointing) => move.click(it) });
  }

  private move(event: PointerEvent): void {
    const [x, y] = this.local(event);
    const pointing = pointingAt(this.engine, x, y, event);
    this.engine.channel.presence.set({ cur: [Math.round(pointing.at[0]), Math.round(pointing.at[1])] });
    if (this.touches.size > 1) {
      this.pinch(event.pointerId, x, y);
      return;
    }
    const { press } = this;
    if (!press) {
      if (this.engine.state.linkFrom !== null) this.engine.show({ linkTo: pointing.at });
      return;
    }
    if (!press.isMoving) {
      if (Math.hypot(x - press.startX, y - press.startY) <= SLOP_PX) return;
      press.isMoving = true;
      this.root.setPointerCapture(event.pointerId);
      this.root.dataset.gesture = press.drag.name;
    }
    press.drag.move(pointing);
  }

  private up(event: PointerEvent): void {
    this.touches.delete(event.pointerId);
    const { press, engine } = this;
    if (!press) return;
    this.press = null;
    delete this.root.dataset.gesture;
    const pointing = pointingAt(engine, ...this.local(event), event);
    if (press.isMoving) press.drag.drop(pointing);
    else press.drag.click(pointing);
  }

  private cancel(event: PointerEvent): void {
    this.touches.delete(event.pointerId);
    this.drop();
  }

  /** Calls the gesture off: nothing is changed. */
  private drop(): void {
    this.press = null;
    delete this.root.dataset.gesture;
    this.engine.linkFrom(null);
    this.engine.settle();
  }

  private pinch(pointer: number, x: number, y: number): void {
    const before = this.touches.get(pointer);
    const other = [...this.touches].find(([id]) => id !== pointer)?.[1];
    this.touches.set(pointer, { x, y });
    if (!before || !other) return;
    const spread = (point: { x: number; y: number }) => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
    this.engine.pan((x - before.x) / 2, (y - before.y) / 2);
    this.engine.zoomAt((x + other.x) / 2, (y + other.y) / 2, spread({ x, y }) / spread(before));
  }

  private key(event: KeyboardEvent, isDown: boolean): void {
    if (event.code === "Escape" && isDown && this.press?.isMoving) {
      event.stopPropagation();
      this.drop();
    }
    if (event.code !== "Space") return;
    const target = event.target as Element;
    if (isDown && target.closest?.("button, input, textarea, select, a, [contenteditable], [role=menuitem]")) return;
    this.space(isDown);
  }

  private space(isDown: boolean): void {
    this.isSpaceDown = isDown;
    this.root.classList.toggle("is-grabbable", isDown);
  }
}

/** The sides that a handle moves, by its name: `n`, `se` and so on. */
function sidesOf(name: string): readonly [Side, Side] {
  return [name.includes("w") ? -1 : name.includes("e") ? 1 : 0, name.includes("n") ? -1 : name.includes("s") ? 1 : 0];
}
