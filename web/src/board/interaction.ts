// What is selected, focused, written and dragged now, and who is told of it. Where things lie is the engine's affair.
import type { Channel } from "@/net/client";
import type { Point, Rect } from "./geometry";
import { type BoardHooks, type BoardState, INITIAL, isToolAllowed, type Live, STILL, type Tool } from "./state";

/** The changing state of one board on screen. */
export abstract class Interaction {
  state: BoardState = INITIAL;
  live: Live = STILL;
  private readonly listeners = new Set<() => void>();

  constructor(
    readonly channel: Channel,
    readonly hooks: BoardHooks,
  ) {}

  /** Brings the screen up to date in the next frame. */
  abstract schedule(): void;

  /** Shows the rectangle that selects or is drawn, in window pixels. */
  abstract showBox(box: Rect | null): void;

  /** Calls `listener` when `state` is another. */
  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  select(ids: ReadonlySet<string>): void {
    this.set({ selected: ids });
    this.channel.presence.set({ sel: ids.size > 0 ? [...ids].slice(0, 200) : null });
  }

  focus(id: string | null): void {
    if (this.state.focused !== id) this.set({ focused: id });
  }

  /** Starts writing the words of an object; `null` ends it. */
  edit(id: string | null): void {
    const before = this.state.editing;
    if (before === id || (id !== null && !this.state.canEdit)) return;
    this.set({ editing: id });
    if (before !== null) this.hooks.onWritten(before);
    if (id === null) return;
    this.focus(id);
    this.select(new Set([id]));
  }

  /** Says what may be done here; what goes on and may not is called off. */
  allow(canEdit: boolean, canComment: boolean): void {
    if (canEdit === this.state.canEdit && canComment === this.state.canComment) return;
    this.set({ canEdit, canComment });
    if (!isToolAllowed(this.state.tool, this.state)) this.setTool("select");
    if (canEdit) return;
    this.edit(null);
    this.linkFrom(null);
    this.settle();
  }

  setTool(tool: Tool): void {
    if (!isToolAllowed(tool, this.state)) return;
    this.set({ tool, linkFrom: null });
    if (this.live.linkTo) this.show({ linkTo: null });
  }

  /** Starts drawing an arrow from an object; `null` calls it off. */
  linkFrom(id: string | null): void {
    if (id !== null && !this.state.canEdit) return;
    this.set({ linkFrom: id });
    if (id === null) this.show({ linkTo: null });
  }

  follow(peer: string | null): void {
    this.set({ following: peer });
    this.schedule();
  }

  /** Shows what goes on under the pointer; nothing is written. */
  show(change: Partial<Live>): void {
    this.live = { ...this.live, ...change };
    this.schedule();
  }

  /** Shows objects away from where they lie, here and in the windows of others; nothing is written. */
  dragBy(ids: ReadonlySet<string>, dx: number, dy: number): void {
    this.show({ drag: { ids, dx, dy } });
    this.channel.presence.set({ drag: { ids: [...ids].slice(0, 200), dx: Math.round(dx), dy: Math.round(dy) } });
  }

  /** Ends whatever goes on under the pointer; nothing is written. */
  settle(): void {
    if (this.live.drag) this.channel.presence.set({ drag: null });
    this.live = STILL;
    this.showBox(null);
    this.schedule();
  }

  protected set(change: Partial<BoardState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }

  /** How far an object is from where it lies: by the own drag, or by somebody else's. */
  protected offset(id: string): Point {
    const { drag } = this.live;
    if (drag?.ids.has(id)) return [drag.dx, drag.dy];
    for (const { presence } of this.channel.peers.all()) {
      if (presence.drag?.ids.includes(id)) return [presence.drag.dx, presence.drag.dy];
    }
    return [0, 0];
  }
}
