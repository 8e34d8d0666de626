// Pointer, wheel and touch on the board: pan, zoom, pinch, drag, box selection.
import type { Engine } from "./engine";
import { between, toBoard } from "./geometry";

/** Movement that makes a click a drag. Capturing the pointer earlier would swallow the click. */
const SLOP_PX = 3;
const WHEEL_ZOOM = 0.0022;
const LINE_PX = 32;
const PASSIVE = "button, input, textarea, select, a, [data-no-drag]";

type Gesture =
  | { kind: "pan" }
  | { kind: "item"; id: string; ids: ReadonlySet<string> | null; isShift: boolean }
  | { kind: "box"; base: ReadonlySet<string> };

interface Press {
  gesture: Gesture;
  startX: number;
  startY: number;
  lastX: number;
  lastY: number;
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
    const element = target.closest<HTMLElement>("[data-id]");
    const id = element?.dataset.id ?? this.engine.hit(...toBoard(this.engine.view, x, y));
    const { state } = this.engine;
    const isPanning = event.button === 1 || this.isSpaceDown || state.tool === "hand";
    const isTouch = event.pointerType === "touch";
    let gesture: Gesture;
    if (isPanning) gesture = { kind: "pan" };
    else if (id !== null) gesture = { kind: "item", id, ids: null, isShift: event.shiftKey };
    else if (isTouch) gesture = { kind: "pan" };
    else gesture = { kind: "box", base: event.shiftKey ? state.selected : new Set() };
    this.press = { gesture, startX: x, startY: y, lastX: x, lastY: y, isMoving: false };
    if (event.button === 1) event.preventDefault();
  }

  private move(event: PointerEvent): void {
    const [x, y] = this.local(event);
    const [bx, by] = toBoard(this.engine.view, x, y);
    this.engine.channel.presence.set({ cur: [Math.round(bx), Math.round(by)] });
    if (this.touches.size > 1) {
      this.pinch(event.pointerId, x, y);
      return;
    }
    const { press } = this;
    if (!press) return;
    if (!press.isMoving) {
      if (Math.hypot(x - press.startX, y - press.startY) <= SLOP_PX) return;
      press.isMoving = true;
      this.root.setPointerCapture(event.pointerId);
      this.root.dataset.gesture = press.gesture.kind;
    }
    this.drag(press, x, y, event.pointerType === "touch");
    press.lastX = x;
    press.lastY = y;
  }

  private drag(press: Press, x: number, y: number, isTouch: boolean): void {
    const { engine } = this;
    const { gesture } = press;
    if (gesture.kind === "pan" || (isTouch && gesture.kind === "item" && !engine.state.selected.has(gesture.id))) {
      engine.pan(x - press.lastX, y - press.lastY);
      return;
    }
    if (gesture.kind === "item") {
      if (!gesture.ids) {
        if (!engine.state.selected.has(gesture.id)) engine.select(new Set([gesture.id]));
        gesture.ids = engine.movers(gesture.id);
      }
      engine.dragBy(gesture.ids, (x - press.startX) / engine.view.z, (y - press.startY) / engine.view.z);
      return;
    }
    const from = toBoard(engine.view, press.startX, press.startY);
    const found = engine.grid.query(between(from, toBoard(engine.view, x, y)));
    const inside = found.filter((id) => engine.items.get(id)?.kind !== "zone");
    engine.select(new Set([...gesture.base, ...inside]));
    engine.showBox(between([press.startX, press.startY], [x, y]));
  }

  private up(event: PointerEvent): void {
    this.touches.delete(event.pointerId);
    const { press, engine } = this;
    if (!press) return;
    this.press = null;
    delete this.root.dataset.gesture;
    engine.showBox(null);
    if (press.isMoving) {
      if (engine.drag) engine.endDrag(true);
      return;
    }
    if (press.gesture.kind === "item") this.click(press.gesture.id, press.gesture.isShift);
    else if (press.gesture.kind === "box") engine.select(new Set(press.gesture.base));
  }

  private click(id: string, isShift: boolean): void {
    const { engine } = this;
    if (!isShift) {
      engine.focus(id);
      engine.select(new Set([id]));
      if (engine.items.get(id)?.kind === "session") engine.onOpen(id);
      return;
    }
    const selected = new Set(engine.state.selected);
    if (!selected.delete(id)) selected.add(id);
    engine.select(selected);
  }

  private cancel(event: PointerEvent): void {
    this.touches.delete(event.pointerId);
    this.drop();
  }

  /** Calls the gesture off: nothing is moved. */
  private drop(): void {
    this.press = null;
    delete this.root.dataset.gesture;
    this.engine.showBox(null);
    if (this.engine.drag) this.engine.endDrag(false);
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
