// What lies below a point: cards, then arrows. What is an element is found by the browser itself.
import { overlaps, type Point } from "./geometry";
import type { Item } from "./items";
import { areaOf, distanceTo, routeOf } from "./route";
import type { Source } from "./scene";

function at({ contents }: Source, [x, y]: Point): Item[] {
  return contents.grid.query({ x, y, w: 0.01, h: 0.01 }).flatMap((id) => contents.items.get(id) ?? []);
}

const isCard = (item: Item) => item.kind !== "edge" && item.kind !== "zone";
const isAbove = (a: Item, b: Item) => (a.ord < b.ord ? -1 : 1);

/** The object below a point that is drawn, not an element: seen from far, or not mounted yet; or an arrow within `reach`. */
export function hit(source: Source, point: Point, reach: number): string | null {
  const cards = at(source, point).filter(isCard).sort(isAbove);
  return cards[cards.length - 1]?.id ?? nearestArrow(source, point, reach);
}

/** The object at a point that an arrow can start from or end at: a card, else the zone. */
export function linkable(source: Source, point: Point): string | null {
  const found = at(source, point);
  const cards = found.filter(isCard).sort(isAbove);
  return (cards[cards.length - 1] ?? found.find((item) => item.kind === "zone"))?.id ?? null;
}

/** The arrow nearest to a point, within `reach`. */
export function nearestArrow({ contents, shownRect }: Source, point: Point, reach: number): string | null {
  let best: string | null = null;
  let shortest = reach;
  for (const [id, { from, to }] of contents.links) {
    const [a, b] = [contents.items.get(from), contents.items.get(to)];
    if (!a || !b) continue;
    const route = routeOf(shownRect(a), shownRect(b));
    const { x, y, w, h } = areaOf(route);
    if (!overlaps({ x: x - reach, y: y - reach, w: w + 2 * reach, h: h + 2 * reach }, { x: point[0], y: point[1], w: 0.01, h: 0.01 }))
      continue;
    const distance = distanceTo(route, point);
    if (distance > shortest) continue;
    shortest = distance;
    best = id;
  }
  return best;
}
