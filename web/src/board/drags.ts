// What a press of the pointer can turn into: panning, moving, selecting, drawing, resizing, linking.
// Each is told where the pointer goes; which one it is decides `gestures.ts`.
import type { Engine } from "./engine";
import { between, overlaps, type Point, type Rect, shown, toBoard } from "./geometry";
import { isResizable, LEAST_SIZE } from "./items";
import { GRID, resized, type Side, snapMoved, snapSides } from "./snap";
import type { DrawTool } from "./state";

/** Where the pointer is: in the window and on the board, with the keys that are held. */
export interface Pointing {
  px: number;
  py: number;
  at: Point;
  isShift: boolean;
  isAlt: boolean;
  /** Ctrl or Command: no snapping. */
  isFree: boolean;
}

/** One kind of gesture. */
export interface Drag {
  readonly name: string;
  /** The pointer moved, for the first time by more than a slip. */
  move(pointing: Pointing): void;
  /** The pointer was let go after it moved. */
  drop(pointing: Pointing): void;
  /** The pointer was let go without having moved. */
  click(pointing: Pointing): void;
}

/** Things look for others to line up with in reach of this many pixels. */
const SNAP_PX = 6;
/** So many others are looked at; with more on screen nobody sees what lines up. */
const OTHERS_MAX = 300;

/** The rectangles on screen that something can line up with. */
function others(engine: Engine, isMoving: (id: string) => boolean, like: Rect): Rect[] {
  const area = shown(engine.view, engine.width, engine.height);
  const found: Rect[] = [];
  for (const id of engine.grid.query(area)) {
    const item = engine.items.get(id);
    if (!item || item.kind === "edge" || isMoving(id)) continue;
    // Zones around the moved thing line up with nothing inside of them by their middle.
    if (item.kind === "zone" && overlaps(item.rect, like) && item.rect.w > 3 * like.w) continue;
    found.push(item.rect);
    if (found.length === OTHERS_MAX) break;
  }
  return found;
}

/** Moves the board. */
export class PanDrag implements Drag {
  readonly name = "pan";
  private last: { px: number; py: number };

  constructor(
    private readonly engine: Engine,
    start: Pointing,
  ) {
    this.last = start;
  }

  move({ px, py }: Pointing): void {
    this.engine.pan(px - this.last.px, py - this.last.py);
    this.last = { px, py };
  }

  drop(): void {}

  click(): void {}
}

/** Selects an object by a click, moves the selection by a drag, copies it with Alt. */
export class MoveDrag implements Drag {
  readonly name = "item";
  private moving: { ids: ReadonlySet<string>; first: Rect | null; others: Rect[] } | null = null;

  constructor(
    private readonly engine: Engine,
    private readonly start: Pointing,
    private readonly id: string,
  ) {}

  move(pointing: Pointing): void {
    const { engine } = this;
    this.moving ??= this.begin();
    const { ids, first } = this.moving;
    if (ids.size === 0 || !first) return;
    const dx = pointing.at[0] - this.start.at[0];
    const dy = pointing.at[1] - this.start.at[1];
    const moved = { ...first, x: first.x + dx, y: first.y + dy };
    const snap = pointing.isFree ? { dx: 0, dy: 0, guides: [] } : snapMoved(moved, this.moving.others, SNAP_PX / engine.view.z);
    engine.show({ guides: snap.guides });
    engine.dragBy(ids, Math.round(dx + snap.dx), Math.round(dy + snap.dy));
  }

  drop(pointing: Pointing): void {
    const { drag } = this.engine.live;
    this.engine.settle();
    if (!drag || (drag.dx === 0 && drag.dy === 0)) return;
    if (pointing.isAlt) this.engine.hooks.onDuplicate(drag.ids, drag.dx, drag.dy);
    else this.engine.moveBy(drag.ids, drag.dx, drag.dy);
  }

  click({ isShift }: Pointing): void {
    const { engine, id } = this;
    if (!isShift) {
      engine.focus(id);
      engine.select(new Set([id]));
      const kind = engine.items.get(id)?.kind;
      if (kind === "session" || kind === "document") engine.hooks.onOpen(id);
      return;
    }
    const selected = new Set(engine.state.selected);
    if (!selected.delete(id)) selected.add(id);
    engine.select(selected);
  }

  private begin(): NonNullable<MoveDrag["moving"]> {
    const { engine, id } = this;
    if (!engine.state.selected.has(id)) engine.select(new Set([id]));
    const ids = engine.movers(id);
    const first = ids.has(id) ? (engine.items.get(id)?.rect ?? null) : null;
    return { ids, first, others: first ? others(engine, (other) => ids.has(other), first) : [] };
  }
}

/** Selects what lies in a rectangle. */
export class BoxDrag implements Drag {
  readonly name = "box";

  constructor(
    private readonly engine: Engine,
    private readonly start: Pointing,
    private readonly base: ReadonlySet<string>,
  ) {}

  move({ px, py, at }: Pointing): void {
    const { engine, start } = this;
    const box = between(start.at, at);
    const inside = engine.grid.query(box).filter((id) => {
      const item = engine.items.get(id);
      if (item?.kind === "edge") return false;
      // A zone is meant only when all of it is in the box: its inside is board.
      const { x, y, w, h } = item?.rect ?? box;
      return item?.kind !== "zone" || (x >= box.x && y >= box.y && x + w <= box.x + box.w && y + h <= box.y + box.h);
    });
    engine.select(new Set([...this.base, ...inside]));
    engine.showBox(between([start.px, start.py], [px, py]));
  }

  drop(): void {
    this.engine.showBox(null);
  }

  click(): void {
    this.engine.edit(null);
    this.engine.select(new Set(this.base));
  }
}

/** Makes something of the size that is drawn, or of its usual size where one clicks. */
export class DrawDrag implements Drag {
  readonly name = "draw";
  private rect: Rect | null = null;

  constructor(
    private readonly engine: Engine,
    private readonly start: Pointing,
    private readonly tool: DrawTool,
  ) {}

  move({ at, isFree }: Pointing): void {
    const { engine, start } = this;
    const from = isFree ? start.at : (start.at.map((value) => Math.round(value / GRID) * GRID) as [number, number]);
    const sides: [Side, Side] = [at[0] < from[0] ? -1 : 1, at[1] < from[1] ? -1 : 1];
    const drawn = between(from, at);
    const snap = isFree
      ? { dx: 0, dy: 0, guides: [] }
      : snapSides(
          drawn,
          sides,
          others(engine, () => false, drawn),
          SNAP_PX / engine.view.z,
        );
    this.rect = between(from, [at[0] + snap.dx, at[1] + snap.dy]);
    engine.show({ guides: snap.guides });
    const { x, y, z } = engine.view;
    const { rect } = this;
    engine.showBox({ x: rect.x * z + x, y: rect.y * z + y, w: rect.w * z, h: rect.h * z });
  }

  drop(): void {
    this.engine.settle();
    const { rect, tool } = this;
    if (!rect) return;
    const [w, h] = LEAST_SIZE[tool];
    this.engine.hooks.onDraw(tool, { ...rect, w: Math.max(w, rect.w), h: Math.max(h, rect.h) }, this.start.at);
  }

  click({ at }: Pointing): void {
    this.engine.settle();
    this.engine.hooks.onDraw(this.tool, null, at);
  }
}

/** Changes the size of one object by one of its sides or corners. */
export class ResizeDrag implements Drag {
  readonly name = "resize";
  private readonly first: Rect | null;

  constructor(
    private readonly engine: Engine,
    private readonly start: Pointing,
    private readonly id: string,
    private readonly sides: readonly [Side, Side],
  ) {
    const item = engine.items.get(id);
    this.first = item && isResizable(item) ? item.rect : null;
  }

  move({ at, isFree, isShift }: Pointing): void {
    const { engine, first, id, sides } = this;
    const item = engine.items.get(id);
    if (!first || !item) return;
    const dx = at[0] - this.start.at[0];
    const dy = at[1] - this.start.at[1];
    const least = LEAST_SIZE[item.kind];
    const isProportional = isShift || item.kind === "image";
    const plain = resized(first, sides, dx, dy, least, isProportional);
    const isSnapping = !isFree && !isProportional;
    const snap = isSnapping
      ? snapSides(
          plain,
          sides,
          others(engine, (other) => other === id, plain),
          SNAP_PX / engine.view.z,
        )
      : null;
    const rect = snap ? resized(first, sides, dx + snap.dx, dy + snap.dy, least) : plain;
    engine.show({ sizes: new Map([[id, rect]]), guides: snap?.guides ?? [] });
  }

  drop(): void {
    const { engine, id, first } = this;
    const rect = engine.live.sizes.get(id);
    engine.settle();
    if (!rect || !first) return;
    const round = (a: number, b: number): [number, number] => [Math.round(a), Math.round(b)];
    engine.hooks.onMove([
      ...(rect.x !== first.x || rect.y !== first.y ? [{ op: "set", id, k: "pos", v: round(rect.x, rect.y) } as const] : []),
      { op: "set", id, k: "size", v: round(rect.w, rect.h) },
    ]);
  }

  click(): void {}
}

/** Draws an arrow: by a drag from one object to another, or by a click on each. */
export class LinkDrag implements Drag {
  readonly name = "link";

  constructor(
    private readonly engine: Engine,
    from: string | null,
  ) {
    if (from !== null && engine.state.linkFrom === null) engine.linkFrom(from);
  }

  move({ at }: Pointing): void {
    if (this.engine.state.linkFrom !== null) this.engine.show({ linkTo: at });
  }

  drop({ at }: Pointing): void {
    this.end(this.engine.linkable(at));
  }

  click({ at }: Pointing): void {
    const start = this.engine.state.linkFrom;
    const target = this.engine.linkable(at);
    // The first click of two: the arrow now follows the pointer.
    if (start !== null && target === start) this.engine.show({ linkTo: at });
    else this.end(target);
  }

  private end(target: string | null): void {
    const { engine } = this;
    const start = engine.state.linkFrom;
    engine.linkFrom(null);
    engine.settle();
    if (start !== null && target !== null && target !== start) engine.hooks.onLink(start, target);
  }
}

/** Puts a comment where one clicks. */
export class PinDrag implements Drag {
  readonly name = "pin";

  constructor(private readonly engine: Engine) {}

  move(): void {}

  drop(pointing: Pointing): void {
    this.click(pointing);
  }

  click({ at }: Pointing): void {
    this.engine.hooks.onPin(at, this.engine.linkable(at));
  }
}

/** The point of the board below a point of the window. */
export function pointingAt(engine: Engine, px: number, py: number, event: MouseEvent): Pointing {
  return {
    px,
    py,
    at: toBoard(engine.view, px, py),
    isShift: event.shiftKey,
    isAlt: event.altKey,
    isFree: event.ctrlKey || event.metaKey,
  };
}
