// The board's engine: what is where, what is seen, what is dragged. It owns the viewport and moves
// elements by hand once per frame; React only makes the contents of the few cards near enough to read.
// Pointer and wheel handling is in `gestures.ts`, drawing in `draw.ts`.
import type { Channel } from "@/net/client";
import type { Op } from "@/wire";
import { Contents, handleRect } from "./contents";
import { CursorLayer } from "./cursors";
import { draw } from "./draw";
import * as geo from "./geometry";
import { Interaction } from "./interaction";
import type { Item } from "./items";
import { placeElement, showBox, showView } from "./layers";
import { firstStop, isFarAway, nextMounted, ranksOf } from "./mount";
import { type Palette, readPalette } from "./palette";
import * as pick from "./pick";
import { edgesOf, looseEdge, type Source, thingsOf } from "./scene";
import { type BoardHooks, type Layers, NOTHING } from "./state";

const CULL_MARGIN_PX = 200;
/** A line this near to the pointer is meant by a click. */
const LINE_REACH_PX = 7;

/** One board on screen. */
export class Engine extends Interaction {
  view: geo.Viewport = { x: 0, y: 0, z: 1 };
  readonly contents: Contents;
  private readonly elements = new Map<string, HTMLElement>();
  private readonly painters = new Set<() => void>();
  private readonly cursors: CursorLayer;
  private readonly observer: ResizeObserver;
  private readonly stops: (() => void)[] = [];
  private mounted: ReadonlySet<string> = NOTHING;
  private ranks: ReadonlyMap<string, number> = new Map();
  private palette: Palette;
  private frame = 0;
  /** The object whose element is to take the keyboard's focus. */
  private wanted: string | null = null;
  private isViewMoving = false;
  private isPlaced = false;

  constructor(
    readonly layers: Layers,
    channel: Channel,
    hooks: BoardHooks,
    private readonly saved: geo.Viewport | null,
  ) {
    super(channel, hooks);
    this.contents = new Contents(channel.store);
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

  /** Calls `painter` at the end of each frame, for what is placed by hand above the board; returns the way to stop. */
  onFrame(painter: () => void): () => void {
    this.painters.add(painter);
    painter();
    return () => this.painters.delete(painter);
  }

  get items(): ReadonlyMap<string, Item> {
    return this.contents.items;
  }

  get grid(): Contents["grid"] {
    return this.contents.grid;
  }

  /** Takes over the element of an object; returns the way to give it back. */
  attach(id: string, element: HTMLElement): () => void {
    this.elements.set(id, element);
    this.place(id, element);
    this.takeFocus(id, element);
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

  /** The point of the board in the middle of the window. */
  get middle(): geo.Point {
    return geo.toBoard(this.view, this.width / 2, this.height / 2);
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

  /** Shows the selected objects, at most at their natural size. */
  fitSelection(): void {
    const area = geo.bounds([...this.state.selected].flatMap((id) => this.items.get(id)?.rect ?? []));
    if (area) this.look(geo.fitted(area, this.width, this.height));
  }

  /** Moves the view only as far as needed to have the object or the point in it. */
  reveal(what: string | geo.Point): void {
    const rect = typeof what === "string" ? this.items.get(what)?.rect : { x: what[0], y: what[1], w: 0, h: 0 };
    const [dx, dy] = rect ? geo.shiftInto(this.view, rect, this.width, this.height) : [0, 0];
    if (dx !== 0 || dy !== 0) this.pan(dx, dy);
  }

  /** The object below a board point that is drawn, not an element, or the arrow near it. */
  hit(x: number, y: number): string | null {
    return pick.hit(this.source, [x, y], LINE_REACH_PX / this.view.z);
  }

  /** The object at a board point that an arrow can start from or end at. */
  linkable(point: geo.Point): string | null {
    return pick.linkable(this.source, point);
  }

  /** Selects everything that is not locked. */
  selectAll(): void {
    this.select(new Set([...this.items.values()].filter((item) => item.kind !== "edge" && !item.isLocked).map(({ id }) => id)));
  }

  /** Selects the object and puts the keyboard's focus on its element as soon as there is one. */
  focusElement(id: string): void {
    this.focus(id);
    this.select(new Set([id]));
    this.reveal(id);
    this.wanted = id;
    this.apply();
    const element = this.elements.get(id);
    if (element) this.takeFocus(id, element);
  }

  private takeFocus(id: string, element: HTMLElement): void {
    if (this.wanted !== id) return;
    this.wanted = null;
    // In the next frame: the element may be about to learn that it is the stop of the Tab key.
    requestAnimationFrame(() => (element.querySelector<HTMLElement>("[data-focus]") ?? element).focus({ preventScroll: true }));
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
    return this.contents.movers(this.state.selected.has(id) ? this.state.selected : [id]);
  }

  /** Moves objects for good. */
  moveBy(ids: Iterable<string>, dx: number, dy: number): void {
    if (!this.state.canEdit) return;
    const ops: Op[] = [...ids].flatMap((id) => {
      const rect = this.items.get(id)?.rect;
      return rect ? [{ op: "set", id, k: "pos", v: [Math.round(rect.x + dx), Math.round(rect.y + dy)] } as const] : [];
    });
    if (ops.length > 0) this.hooks.onMove(ops);
  }

  /** Shows the rectangle that selects or is drawn, in window pixels. */
  showBox(box: geo.Rect | null): void {
    showBox(this.layers.box, box);
  }

  schedule(): void {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.apply();
    });
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
    this.contents.update(ids);
    if ([...ids].some((id) => this.mounted.has(id))) this.ranks = ranksOf(this.mounted, this.items);
    const { focused, editing, selected, linkFrom } = this.state;
    if (focused !== null && !this.items.has(focused)) this.focus(null);
    if (editing !== null && !this.items.has(editing)) this.edit(null);
    if (linkFrom !== null && !this.items.has(linkFrom)) this.linkFrom(null);
    const left = [...selected].filter((id) => this.items.has(id) || !ids.has(id));
    if (left.length < selected.size) this.select(new Set(left));
    const isEmpty = this.items.size === 0;
    if (isEmpty !== this.state.isEmpty) this.set({ isEmpty });
    this.placeFirst();
    this.schedule();
  }

  /** Where an object is shown now: where it lies, or where somebody drags it. */
  shownRect(item: Item): geo.Rect {
    const link = item.kind === "edge" ? this.contents.links.get(item.id) : undefined;
    if (link) {
      const [from, to] = [this.items.get(link.from), this.items.get(link.to)];
      return from && to ? handleRect(this.shownRect(from), this.shownRect(to)) : item.rect;
    }
    const rect = this.live.sizes.get(item.id) ?? item.rect;
    const [dx, dy] = this.offset(item.id);
    return dx === 0 && dy === 0 ? rect : { ...rect, x: rect.x + dx, y: rect.y + dy };
  }

  private place(id: string, element: HTMLElement): void {
    const item = this.items.get(id);
    if (!item) return;
    placeElement(element, this.shownRect(item), this.ranks.get(id) ?? 0, item.kind !== "session");
  }

  /** Brings the screen up to date. */
  private apply(): void {
    this.followPeer();
    const { view, layers } = this;
    showView(layers, view);
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
    for (const painter of this.painters) painter();
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
    const isFar = isFarAway(this.view.z, visible, this.items);
    const near = isFar ? visible.filter((id) => this.items.get(id)?.kind === "zone") : visible;
    const stop = focused !== null && this.items.has(focused) ? focused : firstStop(visible, this.items);
    const wanted = stop !== null && !near.includes(stop) ? [...near, stop] : near;
    const [mx, my] = this.middle;
    const rect = (id: string) => this.items.get(id)?.rect ?? { x: 0, y: 0, w: 0, h: 0 };
    const distance = (id: string) => {
      const [x, y] = geo.centre(rect(id));
      return Math.hypot(x - mx, y - my);
    };
    const next = nextMounted(this.mounted, wanted, distance);
    if (!next.isDone) this.schedule();
    if (!next.isChanged && isFar === this.state.isFar) return;
    this.mounted = next.mounted;
    this.ranks = ranksOf(next.mounted, this.items);
    const mounted = [...next.mounted].sort((a, b) => geo.readingOrder(rect(a), rect(b)) || (a < b ? -1 : 1));
    this.set({ mounted, isFar });
  }

  private get source(): Source {
    return {
      contents: this.contents,
      store: this.channel.store,
      palette: this.palette,
      selected: this.state.selected,
      isDrawn: (id) => this.state.isFar || !this.elements.has(id),
      shownRect: (item) => this.shownRect(item),
    };
  }

  private paint(visible: readonly string[]): void {
    const context = this.layers.surface.getContext("2d");
    if (!context) return;
    const { palette, view, width, height, source, live } = this;
    const area = geo.shown(view, width, height);
    const edges = edgesOf(source, area);
    const from = this.state.linkFrom === null ? undefined : this.items.get(this.state.linkFrom);
    if (from && live.linkTo) edges.push(looseEdge(source, from, live.linkTo));
    const ratio = this.layers.surface.width / Math.max(1, width);
    draw(context, { view, width, height, ratio, palette, edges, things: thingsOf(source, visible), guides: live.guides });
  }
}
