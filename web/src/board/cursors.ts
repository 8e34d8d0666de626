// Other people's pointers: one element each, moved by hand once per frame.
import type { Peer } from "@/net/presence";
import { toWindow, type Viewport } from "./geometry";

/** A pointer that rests this long fades away. */
const STILL_MS = 5_000;

interface Pointer {
  element: HTMLElement;
  name: string;
  slot: number;
}

const ARROW =
  '<svg width="18" height="20" viewBox="0 0 18 20" aria-hidden="true"><path d="M1.5 1.5 6.2 17l3-6.1 6.6-1.7z" fill="currentColor" stroke="var(--surface)" stroke-width="1.5" stroke-linejoin="round"/></svg>';

/** The layer of pointers above the board. */
export class CursorLayer {
  private readonly pointers = new Map<string, Pointer>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly layer: HTMLElement,
    private readonly onStill: () => void,
  ) {}

  /** Shows everybody where they are; `isViewMoving` switches the smoothing off, which would lag behind. */
  draw(peers: Iterable<Peer>, view: Viewport, isViewMoving: boolean, now: number): void {
    const gone = new Set(this.pointers.keys());
    let nextStill = Number.POSITIVE_INFINITY;
    this.layer.classList.toggle("is-moving", isViewMoving);
    for (const peer of peers) {
      const point = peer.presence.cur;
      if (!point) continue;
      gone.delete(peer.id);
      const { element } = this.pointer(peer);
      const [x, y] = toWindow(view, point[0], point[1]);
      element.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
      const rest = now - peer.movedAt;
      element.style.opacity = rest >= STILL_MS ? "0" : "1";
      if (rest < STILL_MS) nextStill = Math.min(nextStill, STILL_MS - rest);
    }
    for (const id of gone) {
      this.pointers.get(id)?.element.remove();
      this.pointers.delete(id);
    }
    clearTimeout(this.timer);
    if (nextStill < Number.POSITIVE_INFINITY) this.timer = setTimeout(this.onStill, nextStill + 20);
  }

  /** Takes the layer down. */
  close(): void {
    clearTimeout(this.timer);
    for (const { element } of this.pointers.values()) element.remove();
    this.pointers.clear();
  }

  private pointer(peer: Peer): Pointer {
    const { name, slot } = peer.identity;
    const known = this.pointers.get(peer.id);
    if (known && known.name === name && known.slot === slot) return known;
    const element = known?.element ?? document.createElement("div");
    element.className = "peer-cursor";
    element.dataset.peer = name;
    element.style.setProperty("--slot", `var(--slot-${slot % 12})`);
    element.innerHTML = ARROW;
    const flag = document.createElement("span");
    flag.textContent = name;
    element.append(flag);
    if (!known) this.layer.append(element);
    const pointer = { element, name, slot };
    this.pointers.set(peer.id, pointer);
    return pointer;
  }
}
