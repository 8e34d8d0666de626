// The board as a tree, as pure functions: zones with what lies in them, sessions with their children, arrows with their source.
import type { Contents } from "./contents";
import { centre, contains, readingOrder } from "./geometry";
import type { Item } from "./items";

/** A place in the tree; `level` counts from 1. */
export interface OutlineNode {
  id: string;
  level: number;
  hasChildren: boolean;
  position: number;
  siblings: number;
}

const KIND_ORDER: Record<Item["kind"], number> = { zone: 0, session: 1, document: 2, note: 3, text: 4, image: 5, edge: 6 };

/** Who stands below whom: a session below its parent, everything else below the smallest zone around it, an arrow below its source. */
export function parentsOf(contents: Contents): Map<string, string | null> {
  const parents = new Map<string, string | null>();
  const zones = [...contents.items.values()]
    .filter((item) => item.kind === "zone")
    .sort((a, b) => a.rect.w * a.rect.h - b.rect.w * b.rect.h);
  const zoneAround = (item: Item): string | null => {
    const area = item.rect.w * item.rect.h;
    const around = zones.find(
      (zone) => zone.id !== item.id && (item.kind !== "zone" || zone.rect.w * zone.rect.h > area) && contains(zone.rect, centre(item.rect)),
    );
    return around?.id ?? null;
  };
  for (const item of contents.items.values()) {
    const link = contents.links.get(item.id);
    const from = link?.from ?? contents.lineage.get(item.id)?.parent;
    parents.set(item.id, from !== undefined && contents.items.has(from) ? from : zoneAround(item));
  }
  return parents;
}

/** The tree as a list of what is visible: children of folded places are left out. Circles are cut. */
export function outlineOf(contents: Contents, folded: ReadonlySet<string>): OutlineNode[] {
  const children = new Map<string | null, Item[]>();
  for (const [id, parent] of parentsOf(contents)) {
    const item = contents.items.get(id);
    if (!item) continue;
    const others = children.get(parent);
    if (others) others.push(item);
    else children.set(parent, [item]);
  }
  const nodes: OutlineNode[] = [];
  const seen = new Set<string>();
  const walk = (parent: string | null, level: number) => {
    const items = (children.get(parent) ?? []).filter(({ id }) => !seen.has(id));
    items.sort((a, b) => KIND_ORDER[a.kind] - KIND_ORDER[b.kind] || readingOrder(a.rect, b.rect) || (a.id < b.id ? -1 : 1));
    items.forEach(({ id }, index) => {
      seen.add(id);
      nodes.push({ id, level, hasChildren: children.has(id), position: index + 1, siblings: items.length });
      if (!folded.has(id)) walk(id, level + 1);
    });
  };
  walk(null, 1);
  return nodes;
}
