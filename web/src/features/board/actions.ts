// What people do to the objects of a board, as mutations. Keys, menus and toolbars all end here.
import { type Alignment, type Axis, align, distribute, type Lying, type Moved, tidied } from "@/board/arrange";
import type { Engine } from "@/board/engine";
import type { Point, Rect } from "@/board/geometry";
import { type Item, type ItemKind, isResizable, LEAST_SIZE, markOf } from "@/board/items";
import { keysAbove, restacked } from "@/board/order";
import { GRID } from "@/board/snap";
import type { DrawTool } from "@/board/state";
import type { Client } from "@/net/client";
import { randomUuid } from "@/net/ids";
import type { BoardImage, BoardMark, ObjectColor, Op } from "@/wire";
import { type Copied, copiedFrom, pasted } from "./clipboard";

/** Operations in one mutation: the server takes no more at once. */
const OPS_MAX = 500;
const MARK_SIZE: Record<DrawTool, [number, number]> = { note: [220, 132], text: [260, 40], zone: [720, 480], document: [240, 132] };
const FIRST_COLOR: Record<DrawTool, ObjectColor> = { note: "amber", text: "neutral", zone: "blue", document: "neutral" };
/** Images are put on the board at most this large; their own size is kept aside. */
const IMAGE_MAX = 480;

const round = (value: number): number => Math.round(value);

/** The actions of one board. */
export class BoardActions {
  constructor(
    readonly engine: Engine,
    private readonly client: Client,
    private readonly me: () => string,
  ) {}

  /** Sends operations, in as many mutations as the server's limit asks for. */
  send(ops: readonly Op[]): void {
    if (!this.engine.state.canEdit) return;
    for (let at = 0; at < ops.length; at += OPS_MAX) this.client.mutate(this.engine.channel, ops.slice(at, at + OPS_MAX));
  }

  set(ids: Iterable<string>, k: string, v: unknown): void {
    this.send([...ids].map((id) => ({ op: "set", id, k, v })));
  }

  /** Objects of the selection that are marks: cards of sessions are changed by their sessions. */
  marks(ids: Iterable<string>): Item[] {
    return [...ids].flatMap((id) => this.engine.items.get(id) ?? []).filter((item) => item.kind !== "session");
  }

  mark(id: string): BoardMark | null {
    const object = this.engine.channel.store.get(id);
    return object && object.kind !== "session" ? markOf(object) : null;
  }

  /** Makes an object where it was drawn, or around a point, and lets its words be written. */
  draw(tool: DrawTool, drawn: Rect | null, at: Point): void {
    const { engine } = this;
    if (!engine.state.canEdit) return;
    engine.setTool("select");
    const [w, h] = drawn ? [drawn.w, drawn.h] : MARK_SIZE[tool];
    const corner: Point = drawn ? [drawn.x, drawn.y] : tool === "text" ? [at[0], at[1] - h / 2] : [at[0] - w / 2, at[1] - h / 2];
    const pos: Point = drawn ? corner : [round(corner[0] / GRID) * GRID, round(corner[1] / GRID) * GRID];
    const size: Point = tool === "text" && drawn ? [w, MARK_SIZE.text[1]] : [w, h];
    const id = this.put(tool, {
      pos: [round(pos[0]), round(pos[1])],
      size: [round(size[0]), round(size[1])],
      text: "",
      color: FIRST_COLOR[tool],
      ...(tool === "document" && { title: "Untitled" }),
    });
    if (tool === "document") {
      engine.select(new Set([id]));
      engine.hooks.onOpen(id);
    } else engine.edit(id);
  }

  /** The same in the middle of the window, for keys and menus. */
  drawInMiddle(tool: DrawTool): void {
    const { engine } = this;
    this.draw(tool, null, engine.middle);
  }

  link(from: string, to: string): void {
    const { engine } = this;
    engine.setTool("select");
    const known = [...engine.contents.links].find(([, link]) => link.from === from && link.to === to)?.[0];
    const id = known ?? this.put("edge", { pos: [0, 0], size: null, text: "", color: "neutral", from, to });
    engine.focusElement(id);
  }

  /** Shows an image that the server has taken. */
  addImage(image: BoardImage, at: Point, name: string): void {
    const [w, h] = image.natural_size;
    const scale = Math.min(1, IMAGE_MAX / Math.max(w, h));
    const size: [number, number] = [Math.max(LEAST_SIZE.image[0], round(w * scale)), Math.max(LEAST_SIZE.image[1], round(h * scale))];
    const pos: [number, number] = [round(at[0] - size[0] / 2), round(at[1] - size[1] / 2)];
    const text = name.replace(/\.[a-z0-9]+$/i, "");
    const rest = { image: image.id, natural_size: image.natural_size };
    this.engine.select(new Set([this.put("image", { pos, size, text, color: "neutral", ...rest })]));
  }

  /** Removes what is not locked; cards of sessions stay. */
  remove(ids: Iterable<string>): void {
    const gone = this.marks(ids).filter((item) => !item.isLocked);
    if (gone.length === 0) return;
    // Arrows go with their ends; naming them too would fail, because they are gone by then.
    const ends = new Set(gone.map(({ id }) => id));
    const isLeft = (item: Item) => {
      const link = this.engine.contents.links.get(item.id);
      return !link || (!ends.has(link.from) && !ends.has(link.to));
    };
    this.send(gone.filter(isLeft).map(({ id }) => ({ op: "del", id })));
    this.engine.select(new Set());
    this.engine.layers.root.focus({ preventScroll: true });
  }

  /** Writing has ended: a text without words is nothing that could be seen, so it goes. */
  written(id: string): void {
    const { engine } = this;
    const object = engine.channel.store.get(id);
    if (object?.kind !== "text" || markOf(object).text !== "" || markOf(object).is_locked) return;
    this.client.discard(engine.channel, id);
    // Whoever ended it by a key goes on by keys, on the board; whoever clicked elsewhere is there already.
    requestAnimationFrame(() => {
      if (document.activeElement === document.body) engine.layers.root.focus({ preventScroll: true });
    });
  }

  setText(id: string, text: string): void {
    this.set([id], "text", text);
  }

  setColor(ids: Iterable<string>, color: ObjectColor): void {
    this.set(
      this.marks(ids).map(({ id }) => id),
      "color",
      color,
    );
  }

  setLocked(ids: Iterable<string>, isLocked: boolean): void {
    const changed = [...ids].filter((id) => {
      const item = this.engine.items.get(id);
      return item && item.kind !== "edge" && item.isLocked !== isLocked;
    });
    this.set(changed, "is_locked", isLocked);
  }

  restack(ids: ReadonlySet<string>, end: "front" | "back"): void {
    const keys = restacked(this.engine.items.values(), ids, end);
    this.send([...keys].map(([id, v]) => ({ op: "set", id, k: "ord", v })));
  }

  align(ids: Iterable<string>, how: Alignment): void {
    this.place(align(this.lying(ids), how));
  }

  distribute(ids: Iterable<string>, axis: Axis): void {
    this.place(distribute(this.lying(ids), axis));
  }

  tidy(ids: Iterable<string>): void {
    this.place(tidied(this.lying(ids)));
  }

  /** Turns an arrow around. */
  reverse(id: string): void {
    const link = this.engine.contents.links.get(id);
    const mark = this.mark(id);
    if (!link || !mark) return;
    this.send([{ op: "del", id }]);
    const turned = this.put("edge", { ...mark, from: link.to, to: link.from });
    this.engine.select(new Set([turned]));
  }

  /** Copies of objects, this far away; arrows between them are copied with them. */
  duplicate(ids: ReadonlySet<string>, dx: number = GRID, dy: number = GRID): void {
    this.paste(copiedFrom(this.engine, ids), [dx, dy], true);
  }

  copied(ids: ReadonlySet<string>): Copied {
    return copiedFrom(this.engine, ids);
  }

  /** Puts copied objects on the board: shifted by `at`, or around it. */
  paste(copied: Copied, at: Point, isShift = false): void {
    const { engine } = this;
    const ords = keysAbove(engine.items.values(), copied.objects.length);
    const made = pasted(copied, at, isShift, ords, this.me());
    if (made.length === 0) return;
    this.send(made.map(({ id, kind, v }) => ({ op: "put", id, kind, v: { ...v } })));
    engine.select(new Set(made.filter(({ kind }) => kind !== "edge").map(({ id }) => id)));
  }

  /** Makes an object larger or smaller by a step, for the keyboard. */
  resizeBy(ids: Iterable<string>, dw: number, dh: number): void {
    const ops: Op[] = [];
    for (const id of ids) {
      const item = this.engine.items.get(id);
      if (!item || !isResizable(item)) continue;
      const [w, h] = LEAST_SIZE[item.kind];
      ops.push({ op: "set", id, k: "size", v: [Math.max(w, round(item.rect.w + dw)), Math.max(h, round(item.rect.h + dh))] });
    }
    this.send(ops);
  }

  private lying(ids: Iterable<string>): Lying[] {
    return [...ids].flatMap((id) => {
      const item = this.engine.items.get(id);
      return item && item.kind !== "edge" && !item.isLocked ? [{ id, rect: item.rect }] : [];
    });
  }

  private place(moved: readonly Moved[]): void {
    const { engine } = this;
    const ops: Op[] = [];
    for (const { id, pos } of moved) {
      const zone = engine.items.get(id);
      ops.push({ op: "set", id, k: "pos", v: pos });
      if (zone?.kind !== "zone") continue;
      // What lies in a zone moves with it, unless it has been given a place of its own.
      for (const inside of engine.contents.movers([id])) {
        const rect = engine.items.get(inside)?.rect;
        if (!rect || inside === id || moved.some((other) => other.id === inside)) continue;
        ops.push({ op: "set", id: inside, k: "pos", v: [round(rect.x + pos[0] - zone.rect.x), round(rect.y + pos[1] - zone.rect.y)] });
      }
    }
    this.send(ops);
  }

  private put(kind: ItemKind, v: Omit<BoardMark, "ord" | "is_locked" | "created_by">): string {
    const id = randomUuid();
    const [ord = ""] = keysAbove(this.engine.items.values(), 1);
    this.send([{ op: "put", id, kind, v: { ...v, ord, is_locked: false, created_by: this.me() } }]);
    return id;
  }
}
