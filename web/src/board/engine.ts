// The board's engine: what is where, what is seen, what is dragged. It owns the viewport and moves
// elements by hand once per frame; React only makes the contents of the few cards near enough to read.
// Pointer and wheel handling is in `gestures.ts`, drawing in `draw.ts`.
import type { Channel } from "@/net/client";
import type { Op } from "@/wire";
import { CursorLayer } from "./cursors";
import { draw } from "./draw";
import * as geo from "./geometry";
import { SpatialGrid } from "./grid";
import { cardOf, type Item, itemOf } from "./items";
import { NEAR_CARDS_MAX, nextMounted } from "./mount";
import { type Palette, readPalette } from "./palette";
import { edgesOf, type Lineage, thingsOf } from "./scene";
import { type BoardState, INITIAL, type Layers, type LiveDrag, NOTHING, type Tool } from "./state";

const CULL_MARGIN_PX = 200;
const DOT_SPACING = 24;

/** One board on screen. */
export class Engine {
  view: geo.Viewport = { x: 0, y: 0, z: 1 };
  drag: LiveDrag | null = null;
  state: BoardState = INITIAL;
  /** A card was clicked or confirmed by key. */
  onOpen: (id: string) => void = () => undefined;
  /** Objects were dropped elsewhere. */
  onMove: (ops: Op[]) => void = () => undefined;
  readonly grid = new SpatialGrid();
  readonly items = new Map<string, Item>();
  private readonly edges = new Map<string, Lineage>();
  private readonly elements = new Map<string, HTMLElement>();
  private readonly listeners = new Set<() => void>();
  private readonly cursors: CursorLayer;
  private readonly observer: ResizeObserver;
  private readonly stops: (() => void)[] = [];
  private mounted: ReadonlySet<string> = NOTHING;
  private palette: Palette;
  private frame = 0;
  private isViewMoving = false;
  private isPlaced = false;

  constructor(
    readonly layers: Layers,
    readonly channel: Channel,
    private readonly saved: geo.Viewport | null,
  ) {
    this.palette = readPalette(layers.root);
    this.cursors = new CursorLayer(layers.cursors, () => this.schedule());
    this.cursors.onEdge = (peer) => this.lookAt(peer);
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(layers.root);
    this.stops.push(channel.store.subscribeAll((ids) => this.changed(ids)));
    this.stops.push(channel.peers.subscribe(() => this.schedule()));
    this.changed(new Set([...channel.store.entries()].map(([id]) => id)));
    this.resized();
  }

  /** Ends everything; the layers stay. */
  close(): void {
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
    for (const stop of this.stops) stop();
    this.cursors.close();
  }

  /** Calls `listener` when `state` is another. */
  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Takes over the element of an object; returns the way to give it back. */
  attach(id: string, element: HTMLElement): () => void {
    this.elements.set(id, element);
    this.place(id, element);
    return () => {
      if (this.elements.get(id) === element) this.elements.delete(id);
    };
  }

  get width(): number {
    return this.layers.root.clientWidth;
  }

  get height(): number {
    return this.layers.root.clientHeight;
  }

  /** The theme changed: read the colours anew. */
  recolour(): void {
    this.palette = readPalette(this.layers.root);
    this.schedule();
  }

  /** Shows another part of the board. Somebody who moves alone follows nobody. */
  look(view: geo.Viewport, isFollowing = false): void {
    this.view = view;
    this.isViewMoving = true;
    if (!isFollowing && this.state.following !== null) this.set({ following: null });
    const [x, y] = geo.toBoard(view, 0, 0);
    this.channel.presence.set({ vp: [Math.round(x), Math.round(y), Math.round(view.z * 1000) / 1000] });
    this.schedule();
  }

  pan(dx: number, dy: number): void {
    this.look({ ...this.view, x: this.view.x + dx, y: this.view.y + dy });
  }

  zoomAt(px: number, py: number, factor: number): void {
    this.look(geo.zoomedAt(this.view, px, py, factor));
  }

  zoomBy(factor: number): void {
    this.zoomAt(this.width / 2, this.height / 2, factor);
  }

  /** Shows everything that lies on the board. */
  fit(): void {
    const area = geo.bounds([...this.items.values()].map((item) => item.rect));
    this.look(area ? geo.fitted(area, this.width, this.height) : { x: this.width / 2, y: this.height / 2, z: 1 });
  }

  /** Moves the view only as far as needed to have the object in it. */
  reveal(id: string): void {
    const rect = this.items.get(id)?.rect;
    if (!rect) return;
    const [dx, dy] = geo.shiftInto(this.view, rect, this.width, this.height);
    if (dx !== 0 || dy !== 0) this.pan(dx, dy);
  }

  /** The object below a board point that is drawn, not an element: seen from far, or not mounted yet. */
  hit(x: number, y: number): string | null {
    const found = this.grid.query({ x, y, w: 0.01, h: 0.01 }).filter((id) => this.items.get(id)?.kind !== "zone");
    return found[found.length - 1] ?? null;
  }

  select(ids: ReadonlySet<string>): void {
    this.set({ selected: ids });
    this.channel.presence.set({ sel: ids.size > 0 ? [...ids].slice(0, 200) : null });
  }

  focus(id: string | null): void {
    if (this.state.focused !== id) this.set({ focused: id });
  }

  /** Selects the object and puts the keyboard's focus on its element as soon as there is one. */
  focusElement(id: string): void {
    this.focus(id);
    this.select(new Set([id]));
    this.reveal(id);
    this.apply();
    requestAnimationFrame(() => this.elements.get(id)?.focus({ preventScroll: true }));
  }

  setTool(tool: Tool): void {
    this.set({ tool });
  }

  follow(peer: string | null): void {
    this.set({ following: peer });
    this.schedule();
  }

  /** Brings somebody's pointer into the middle of the window, once. */
  lookAt(peer: string): void {
    const point = this.channel.peers.get(peer)?.presence.cur;
    if (!point) return;
    const [x, y] = geo.toWindow(this.view, point[0], point[1]);
    this.pan(this.width / 2 - x, this.height / 2 - y);
  }

  /** Shows other people's pointers and selections, or not. */
  showOthers(isShown: boolean): void {
    this.cursors.isOff = !isShown;
    this.schedule();
  }

  /** The objects that move when this one is dragged: the selection, and what lies in dragged zones. */
  movers(id: string): Set<string> {
    const ids = new Set(this.state.selected.has(id) ? this.state.selected : [id]);
    for (const one of [...ids]) {
      const zone = this.items.get(one);
      if (zone?.kind !== "zone") continue;
      for (const other of this.grid.query(zone.rect)) {
        const rect = this.items.get(other)?.rect;
        if (rect && geo.contains(zone.rect, geo.centre(rect))) ids.add(other);
      }
    }
    return ids;
  }

  /** Shows objects away from where they lie, here and in the windows of others; nothing is written. */
  dragBy(ids: ReadonlySet<string>, dx: number, dy: number): void {
    this.drag = { ids, dx, dy };
    this.channel.presence.set({ drag: { ids: [...ids].slice(0, 200), dx: Math.round(dx), dy: Math.round(dy) } });
    this.schedule();
  }

  /** Ends the drag: one mutation at the drop, none when it was called off. */
  endDrag(isDropped: boolean): void {
    const drag = this.drag;
    this.drag = null;
    this.channel.presence.set({ drag: null });
    if (drag && isDropped) this.moveBy(drag.ids, drag.dx, drag.dy);
    this.schedule();
  }

  /** Moves objects for good. */
  moveBy(ids: Iterable<string>, dx: number, dy: number): void {
    const ops: Op[] = [];
    for (const id of ids) {
      const rect = this.items.get(id)?.rect;
      if (rect) ops.push({ op: "set", id, k: "pos", v: [Math.round(rect.x + dx), Math.round(rect.y + dy)] });
    }
    if (ops.length > 0) this.onMove(ops);
  }

  /** Shows the rectangle that selects, in window pixels. */
  showBox(box: geo.Rect | null): void {
    const { style } = this.layers.box;
    style.display = box ? "block" : "none";
    if (!box) return;
    style.transform = `translate(${box.x}px, ${box.y}px)`;
    style.width = `${box.w}px`;
    style.height = `${box.h}px`;
  }

  schedule(): void {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.apply();
    });
  }

  private set(change: Partial<BoardState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }

  private resized(): void {
    const { surface } = this.layers;
    const ratio = Math.min(2, devicePixelRatio || 1);
    surface.width = Math.round(this.width * ratio);
    surface.height = Math.round(this.height * ratio);
    this.placeFirst();
    // At once, not in the next frame: setting the size has emptied the surface.
    this.apply();
  }

  /** The first view: where this person was before, else everything. */
  private placeFirst(): void {
    if (this.isPlaced || this.width === 0 || !this.channel.store.isLoaded) return;
    this.isPlaced = true;
    if (this.saved) this.look(this.saved);
    else this.fit();
  }

  private changed(ids: ReadonlySet<string>): void {
    for (const id of ids) {
      const object = this.channel.store.get(id);
      const item = object ? itemOf(id, object) : null;
      if (!object || !item) {
        this.items.delete(id);
        this.grid.remove(id);
        this.edges.delete(id);
        continue;
      }
      this.items.set(id, item);
      this.grid.put(id, item.rect);
      if (item.kind !== "session") continue;
      const { parent, relation } = cardOf(object);
      if (parent) this.edges.set(id, { parent, isFork: relation === "fork" });
    }
    if (this.state.focused !== null && !this.items.has(this.state.focused)) this.focus(null);
    const isEmpty = this.items.size === 0;
    if (isEmpty !== this.state.isEmpty) this.set({ isEmpty });
    this.placeFirst();
    this.schedule();
  }

  /** How far an object is from where it lies: by the own drag, or by somebody else's. */
  private offset(id: string): geo.Point {
    if (this.drag?.ids.has(id)) return [this.drag.dx, this.drag.dy];
    for (const { presence } of this.channel.peers.all()) {
      if (presence.drag?.ids.includes(id)) return [presence.drag.dx, presence.drag.dy];
    }
    return [0, 0];
  }

  private shownRect(item: Item): geo.Rect {
    const [dx, dy] = this.offset(item.id);
    return dx === 0 && dy === 0 ? item.rect : { ...item.rect, x: item.rect.x + dx, y: item.rect.y + dy };
  }

  private place(id: string, element: HTMLElement): void {
    const item = this.items.get(id);
    if (!item) return;
    const rect = this.shownRect(item);
    const transform = `translate(${rect.x}px, ${rect.y}px)`;
    if (element.style.transform !== transform) element.style.transform = transform;
  }

  /** Brings the screen up to date. */
  private apply(): void {
    this.followPeer();
    const { view, layers } = this;
    const transform = `translate(${view.x}px, ${view.y}px) scale(${view.z})`;
    layers.back.style.transform = transform;
    layers.front.style.transform = transform;
    const spacing = DOT_SPACING * view.z * (view.z < 0.2 ? 8 : view.z < 0.5 ? 4 : view.z < 0.8 ? 2 : 1);
    layers.root.style.setProperty("--dot-spacing", `${spacing}px`);
    layers.root.style.setProperty("--dot-x", `${view.x % spacing}px`);
    layers.root.style.setProperty("--dot-y", `${view.y % spacing}px`);
    layers.root.style.setProperty("--label-scale", String(Math.max(1, 0.85 / view.z)));

    const visible = this.grid.query(geo.shown(view, this.width, this.height, CULL_MARGIN_PX));
    this.mount(visible);
    layers.front.classList.toggle("is-far", this.state.isFar);
    for (const [id, element] of this.elements) this.place(id, element);
    this.paint(visible);
    this.cursors.draw({
      peers: this.channel.peers.all(),
      view,
      width: this.width,
      height: this.height,
      isViewMoving: this.isViewMoving,
      now: performance.now(),
      rectOf: (id) => {
        const item = this.items.get(id);
        return item ? this.shownRect(item) : null;
      },
    });
    this.isViewMoving = false;
    const zoom = Math.round(view.z * 100) / 100;
    if (zoom !== this.state.zoom) this.set({ zoom });
  }

  private followPeer(): void {
    if (this.state.following === null) return;
    const peer = this.channel.peers.get(this.state.following);
    const seen = peer?.presence.vp;
    // A peer that has just come back may not have said yet where it looks.
    if (!seen) return;
    const [x, y, z] = seen;
    const view = { x: -x * z, y: -y * z, z };
    if (view.x !== this.view.x || view.y !== this.view.y || z !== this.view.z) this.look(view, true);
  }

  private mount(visible: readonly string[]): void {
    const { focused } = this.state;
    let cards = 0;
    for (const id of visible) if (this.items.get(id)?.kind !== "zone") cards += 1;
    const isFar = this.view.z < geo.FAR_ZOOM || cards > NEAR_CARDS_MAX;
    const near = isFar ? visible.filter((id) => this.items.get(id)?.kind === "zone") : visible;
    const stop = focused !== null && this.items.has(focused) ? focused : this.firstStop(visible);
    const wanted = stop !== null && !near.includes(stop) ? [...near, stop] : near;
    const [mx, my] = geo.toBoard(this.view, this.width / 2, this.height / 2);
    const distance = (id: string) => {
      const rect = this.items.get(id)?.rect;
      if (!rect) return 0;
      const [x, y] = geo.centre(rect);
      return Math.hypot(x - mx, y - my);
    };
    const next = nextMounted(this.mounted, wanted, distance);
    if (!next.isDone) this.schedule();
    if (!next.isChanged && isFar === this.state.isFar) return;
    this.mounted = next.mounted;
    const rect = (id: string) => this.items.get(id)?.rect ?? { x: 0, y: 0, w: 0, h: 0 };
    const mounted = [...next.mounted].sort((a, b) => geo.readingOrder(rect(a), rect(b)) || (a < b ? -1 : 1));
    this.set({ mounted, isFar });
  }

  /** Where Tab enters the board when nothing has the focus: the first card in reading order. */
  private firstStop(visible: readonly string[]): string | null {
    let best: Item | null = null;
    for (const id of visible) {
      const item = this.items.get(id);
      if (item?.kind !== "session") continue;
      if (!best || geo.readingOrder(item.rect, best.rect) < 0) best = item;
    }
    return best?.id ?? null;
  }

  private paint(visible: readonly string[]): void {
    const context = this.layers.surface.getContext("2d");
    if (!context) return;
    const { palette, view, width, height } = this;
    const scene = {
      items: this.items,
      store: this.channel.store,
      palette,
      isDrawn: (id: string) => this.state.isFar || !this.elements.has(id),
      shownRect: (item: Item) => this.shownRect(item),
    };
    const things = thingsOf(scene, visible);
    const edges = edgesOf(scene, this.edges, geo.shown(view, width, height));
    draw(context, { view, width, height, ratio: this.layers.surface.width / Math.max(1, width), palette, edges, things });
  }
}
