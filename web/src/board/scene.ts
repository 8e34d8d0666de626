// Gathers what one frame draws; how it is drawn is in `draw.ts`.
import type { TopicStore } from "@/net/topic";
import type { Contents } from "./contents";
import type { Drawn, Edge } from "./draw";
import { overlaps, type Point, type Rect } from "./geometry";
import { cardOf, type Item, markOf } from "./items";
import type { Palette } from "./palette";
import { areaOf, routeOf } from "./route";

/** Where a session came from. */
export interface Lineage {
  parent: string;
  isFork: boolean;
}

/** What a frame is made of. */
export interface Source {
  contents: Contents;
  store: TopicStore;
  palette: Palette;
  selected: ReadonlySet<string>;
  /** Whether the object is drawn; what is an element shows itself. */
  isDrawn: (id: string) => boolean;
  /** Where the object is shown now, drags included. */
  shownRect: (item: Item) => Rect;
}

/** Things on screen up to this number are drawn in the order of the pile; more are too small to tell. */
const PILED_MAX = 400;

/** The visible objects that are drawn. */
export function thingsOf(source: Source, visible: readonly string[]): Drawn[] {
  const things: Drawn[] = [];
  for (const id of visible) {
    const item = source.contents.items.get(id);
    const object = source.store.get(id);
    if (!item || !object || item.kind === "zone" || item.kind === "edge" || !source.isDrawn(id)) continue;
    const rect = source.shownRect(item);
    if (item.kind === "session") {
      things.push({ item, rect, card: cardOf(object), text: "", color: source.palette.line });
    } else {
      const mark = markOf(object);
      things.push({ item, rect, card: null, text: mark.text, color: source.palette.mark[mark.color] });
    }
  }
  if (things.length <= PILED_MAX) things.sort((a, b) => (a.item.ord < b.item.ord ? -1 : a.item.ord > b.item.ord ? 1 : 0));
  return things;
}

/** The lines that cross the visible part of the board: lineage first, then arrows. */
export function edgesOf(source: Source, area: Rect): Edge[] {
  const { items, lineage, links } = source.contents;
  const edges: Edge[] = [];
  const add = (from: string, to: string, rest: Omit<Edge, "route">) => {
    const [a, b] = [items.get(from), items.get(to)];
    if (!a || !b) return;
    const route = routeOf(source.shownRect(a), source.shownRect(b));
    if (overlaps(areaOf(route), { x: area.x - 1, y: area.y - 1, w: area.w + 2, h: area.h + 2 })) edges.push({ route, ...rest });
  };
  for (const [child, { parent, isFork }] of lineage) {
    add(parent, child, { look: isFork ? "fork" : "spawn", color: isFork ? source.palette.fork : source.palette.edge, isSelected: false });
  }
  for (const [id, { from, to }] of links) add(from, to, arrowLook(source, id));
  return edges;
}

function arrowLook(source: Source, id: string): Omit<Edge, "route"> {
  const object = source.store.get(id);
  const color = object ? markOf(object).color : "neutral";
  return {
    look: "arrow",
    color: color === undefined || color === "neutral" ? source.palette.text : source.palette.markInk[color],
    isSelected: source.selected.has(id),
  };
}

/** The arrow that is being drawn, which ends at the pointer. */
export function looseEdge(source: Source, from: Item, [x, y]: Point): Edge {
  const route = routeOf(source.shownRect(from), { x, y, w: 0, h: 0 });
  return { route, look: "arrow", color: source.palette.focus, isSelected: false };
}
