// Everything on a board by id and by place: objects, arrows between them, and where sessions came from.
import type { TopicStore } from "@/net/topic";
import { centre, contains, type Rect } from "./geometry";
import { SpatialGrid } from "./grid";
import { cardOf, HANDLE_SIZE, type Item, itemOf, type Link, linkOf } from "./items";
import { pointAt, routeOf } from "./route";
import type { Lineage } from "./scene";

/** Where the handle of an arrow lies: around the middle of its curve. */
export function handleRect(from: Rect, to: Rect): Rect {
  const [x, y] = pointAt(routeOf(from, to), 0.5);
  return { x: x - HANDLE_SIZE[0] / 2, y: y - HANDLE_SIZE[1] / 2, w: HANDLE_SIZE[0], h: HANDLE_SIZE[1] };
}

/** The objects of one board. */
export class Contents {
  readonly grid = new SpatialGrid();
  readonly items = new Map<string, Item>();
  readonly links = new Map<string, Link>();
  readonly lineage = new Map<string, Lineage>();
  private readonly linksAt = new Map<string, Set<string>>();

  constructor(private readonly store: TopicStore) {}

  /** Reads these objects anew, and the arrows at them. */
  update(ids: ReadonlySet<string>): void {
    const links = new Set<string>();
    for (const id of ids) {
      const object = this.store.get(id);
      const link = object ? linkOf(object) : null;
      if (link || this.links.has(id)) {
        this.relink(id, link);
        links.add(id);
        continue;
      }
      const item = object ? itemOf(id, object) : null;
      if (item) this.put(item);
      else this.drop(id);
      for (const at of this.linksAt.get(id) ?? []) links.add(at);
      const card = item?.kind === "session" && object ? cardOf(object) : null;
      if (card?.parent) this.lineage.set(id, { parent: card.parent, isFork: card.relation === "fork" });
      else this.lineage.delete(id);
    }
    for (const id of links) this.placeLink(id);
  }

  /** What moves when these are moved: themselves and what lies in zones among them; nothing that is locked. */
  movers(ids: Iterable<string>): Set<string> {
    const all = new Set(ids);
    for (const id of [...all]) {
      const zone = this.items.get(id);
      if (zone?.kind === "zone" && !zone.isLocked) for (const inside of this.inside(zone)) all.add(inside);
    }
    for (const id of all) {
      const item = this.items.get(id);
      if (!item || item.isLocked || item.kind === "edge") all.delete(id);
    }
    return all;
  }

  /** What lies in a zone, by its middle. */
  inside(zone: Item): string[] {
    return this.grid.query(zone.rect).filter((id) => {
      const item = this.items.get(id);
      return item && id !== zone.id && item.kind !== "edge" && contains(zone.rect, centre(item.rect));
    });
  }

  private put(item: Item): void {
    this.items.set(item.id, item);
    this.grid.put(item.id, item.rect);
  }

  private drop(id: string): void {
    this.items.delete(id);
    this.grid.remove(id);
  }

  private relink(id: string, link: Link | null): void {
    const known = this.links.get(id);
    for (const end of known ? [known.from, known.to] : []) this.linksAt.get(end)?.delete(id);
    if (!link) {
      this.links.delete(id);
      return;
    }
    this.links.set(id, link);
    for (const end of [link.from, link.to]) {
      const at = this.linksAt.get(end) ?? new Set();
      this.linksAt.set(end, at);
      at.add(id);
    }
  }

  private placeLink(id: string): void {
    const link = this.links.get(id);
    const from = link && this.items.get(link.from);
    const to = link && this.items.get(link.to);
    if (!from || !to) this.drop(id);
    else this.put({ id, kind: "edge", rect: handleRect(from.rect, to.rect), ord: "", isLocked: false });
  }
}
