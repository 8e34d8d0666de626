// Other people on the board: pointers, outlines of what they selected, arrows towards those off screen.
// One element each, moved by hand once per frame.
import type { Peer } from "@/net/presence";
import { overlaps, type Rect, toWindow, type Viewport } from "./geometry";

/** A pointer that rests this long fades away. */
const STILL_MS = 5_000;
/** Somebody off screen who rests this long is not pointed to any more. */
const EDGE_STILL_MS = 60_000;
const EDGE_MARGIN_PX = 26;
/** Arrows at the edges, and outlines, at once; with more people nobody could read them. */
const EDGES_MAX = 12;
const OUTLINES_MAX = 60;
const OUTLINE_GAP_PX = 4;
/** Outlines of several people around one object lie this far apart. */
const OUTLINE_STEP_PX = 3;

const ARROW =
  '<svg width="18" height="20" viewBox="0 0 18 20" aria-hidden="true"><path d="M1.5 1.5 6.2 17l3-6.1 6.6-1.7z" fill="currentColor" stroke="var(--surface)" stroke-width="1.5" stroke-linejoin="round"/></svg>';
const SQUARE =
  '<svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true"><rect x="1" y="1" width="12" height="12" rx="2" fill="currentColor" stroke="var(--surface)" stroke-width="1.5"/></svg>';
const HEAD = '<svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true"><path d="M10 5 2 10 4 5 2 0z" fill="currentColor"/></svg>';

/** What one frame shows of other people. */
export interface PeopleFrame {
  peers: Iterable<Peer>;
  view: Viewport;
  width: number;
  height: number;
  /** Switches the smoothing off, which would lag behind a moving view. */
  isViewMoving: boolean;
  now: number;
  /** Where an object is shown now, in board units. */
  rectOf: (id: string) => Rect | null;
}

/** What is left of the bounds of one frame, and how many outlines each object has. */
interface Room {
  edges: number;
  outlines: number;
  around: Map<string, number>;
}

/** Where an arrow towards a point off screen stands, and which way it points; `null` when the point is on screen. */
export function edgeOf(x: number, y: number, width: number, height: number): { x: number; y: number; angle: number } | null {
  if (x >= 0 && y >= 0 && x <= width && y <= height) return null;
  const clamp = (value: number, size: number) => Math.max(EDGE_MARGIN_PX, Math.min(size - EDGE_MARGIN_PX, value));
  const at = { x: clamp(x, width), y: clamp(y, height) };
  return { ...at, angle: Math.atan2(y - at.y, x - at.x) };
}

/** The layer of people above the board. */
export class CursorLayer {
  /** Somebody off screen was clicked: show where they are. */
  onEdge: (peer: string) => void = () => undefined;
  /** Whether this person does not want to see others. */
  isOff = false;
  private readonly elements = new Map<string, HTMLElement>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly layer: HTMLElement,
    private readonly onStill: () => void,
  ) {}

  /** Shows everybody where they are. */
  draw(frame: PeopleFrame): void {
    const gone = new Set(this.elements.keys());
    let nextStill = Number.POSITIVE_INFINITY;
    this.layer.classList.toggle("is-moving", frame.isViewMoving);
    const room: Room = { edges: EDGES_MAX, outlines: OUTLINES_MAX, around: new Map() };
    for (const peer of this.isOff ? [] : frame.peers) {
      if (peer.presence.seen === "hidden") continue;
      this.outline(peer, frame, gone, room);
      const point = peer.presence.cur;
      if (!point) continue;
      const [x, y] = toWindow(frame.view, point[0], point[1]);
      const rest = frame.now - peer.movedAt;
      const edge = edgeOf(x, y, frame.width, frame.height);
      if (!edge) this.pointer(peer, x, y, rest, gone);
      else if (rest < EDGE_STILL_MS && peer.presence.seen !== "away" && room.edges > 0) {
        room.edges -= 1;
        this.arrow(peer, edge, gone);
      }
      const limit = edge ? EDGE_STILL_MS : STILL_MS;
      if (rest < limit) nextStill = Math.min(nextStill, limit - rest);
    }
    for (const key of gone) {
      this.elements.get(key)?.remove();
      this.elements.delete(key);
    }
    clearTimeout(this.timer);
    if (nextStill < Number.POSITIVE_INFINITY) this.timer = setTimeout(this.onStill, nextStill + 20);
  }

  /** Takes the layer down. */
  close(): void {
    clearTimeout(this.timer);
    for (const element of this.elements.values()) element.remove();
    this.elements.clear();
  }

  private pointer(peer: Peer, x: number, y: number, rest: number, gone: Set<string>): void {
    const element = this.element(`cursor ${peer.id}`, peer, "peer-cursor", gone, (made) => {
      made.classList.toggle("is-agent", peer.identity.is_agent);
      made.innerHTML = peer.identity.is_agent ? SQUARE : ARROW;
      const flag = document.createElement("span");
      flag.textContent = peer.identity.name;
      made.append(flag);
    });
    element.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
    element.style.opacity = rest >= STILL_MS ? "0" : "1";
  }

  private arrow(peer: Peer, edge: { x: number; y: number; angle: number }, gone: Set<string>): void {
    const element = this.element(`edge ${peer.id}`, peer, "peer-edge", gone, (made) => {
      made.innerHTML = `<i>${HEAD}</i>`;
      const name = document.createElement("span");
      name.textContent = peer.identity.emoji || (peer.identity.name.trim()[0] ?? "?").toUpperCase();
      made.append(name);
      made.title = peer.identity.name;
      made.dataset.noDrag = "";
      made.onclick = () => this.onEdge(peer.id);
    });
    element.style.transform = `translate(${edge.x.toFixed(1)}px, ${edge.y.toFixed(1)}px)`;
    element.style.setProperty("--angle", `${edge.angle.toFixed(3)}rad`);
  }

  private outline(peer: Peer, frame: PeopleFrame, gone: Set<string>, room: Room): void {
    for (const id of peer.presence.sel ?? []) {
      const rect = frame.rectOf(id);
      if (!rect || room.outlines <= 0) continue;
      const { z } = frame.view;
      const [x, y] = toWindow(frame.view, rect.x, rect.y);
      const others = room.around.get(id) ?? 0;
      const gap = OUTLINE_GAP_PX + others * OUTLINE_STEP_PX;
      const box = { x: x - gap, y: y - gap, w: rect.w * z + 2 * gap, h: rect.h * z + 2 * gap };
      if (!overlaps(box, { x: 0, y: 0, w: frame.width, h: frame.height })) continue;
      room.outlines -= 1;
      room.around.set(id, others + 1);
      const { style } = this.element(`outline ${peer.id} ${id}`, peer, "peer-outline", gone, (made) => {
        const name = document.createElement("span");
        name.textContent = peer.identity.name;
        made.replaceChildren(name);
        made.dataset.of = id;
      });
      style.transform = `translate(${box.x.toFixed(1)}px, ${box.y.toFixed(1)}px)`;
      style.width = `${box.w.toFixed(1)}px`;
      style.height = `${box.h.toFixed(1)}px`;
    }
  }

  /** The element of that key, made anew when the person looks different now. */
  private element(key: string, peer: Peer, className: string, gone: Set<string>, fill: (made: HTMLElement) => void): HTMLElement {
    gone.delete(key);
    const { name, slot, emoji } = peer.identity;
    const look = `${slot} ${emoji} ${name}`;
    const known = this.elements.get(key);
    if (known?.dataset.look === look) return known;
    const element = known ?? document.createElement("div");
    element.className = className;
    element.dataset.peer = name;
    element.dataset.look = look;
    element.style.setProperty("--slot", `var(--slot-${slot % 12})`);
    fill(element);
    if (!known) this.layer.append(element);
    this.elements.set(key, element);
    return element;
  }
}
