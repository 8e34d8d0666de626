// Gathers what one frame draws; how it is drawn is in `draw.ts`.
import type { TopicStore } from "@/net/topic";
import type { Drawn, Edge } from "./draw";
import { bounds, overlaps, type Rect } from "./geometry";
import { cardOf, type Item, markOf } from "./items";
import type { Palette } from "./palette";

/** Where a session came from. */
export interface Lineage {
  parent: string;
  isFork: boolean;
}

interface Source {
  items: ReadonlyMap<string, Item>;
  store: TopicStore;
  palette: Palette;
  /** Whether the object is drawn; what is an element shows itself. */
  isDrawn: (id: string) => boolean;
  /** Where the object is shown now, drags included. */
  shownRect: (item: Item) => Rect;
}

/** The visible objects that are drawn. */
export function thingsOf(source: Source, visible: readonly string[]): Drawn[] {
  const things: Drawn[] = [];
  for (const id of visible) {
    const item = source.items.get(id);
    const object = source.store.get(id);
    if (!item || !object || item.kind === "zone" || !source.isDrawn(id)) continue;
    const rect = source.shownRect(item);
    if (item.kind === "session") {
      things.push({ item, rect, card: cardOf(object), text: "", color: source.palette.line });
    } else {
      const mark = markOf(object);
      things.push({ item, rect, card: null, text: mark.text, color: source.palette.mark[mark.color] });
    }
  }
  return things;
}

/** The edges that cross the visible part of the board. */
export function edgesOf(source: Source, lineage: ReadonlyMap<string, Lineage>, area: Rect): Edge[] {
  const edges: Edge[] = [];
  for (const [child, { parent, isFork }] of lineage) {
    const a = source.items.get(parent);
    const b = source.items.get(child);
    if (!a || !b) continue;
    const from = source.shownRect(a);
    const to = source.shownRect(b);
    const around = bounds([from, to]);
    if (around && overlaps(around, area)) edges.push({ from, to, isFork });
  }
  return edges;
}
