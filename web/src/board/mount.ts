// Which objects are elements now. Mounting is what costs, so it is rationed per frame.
import { FAR_ZOOM, readingOrder } from "./geometry";
import type { Item } from "./items";

/** Elements mounted in one frame; the rest is drawn until its turn comes. */
export const MOUNTS_PER_FRAME = 6;
/** With more cards than this on screen nobody reads them: they are drawn as from far. */
export const NEAR_CARDS_MAX = 70;

/**
 * Chooses what to mount next: everything mounted that is still wanted, and of the rest the nearest to the middle.
 * `isDone` tells whether all that is wanted is mounted.
 */
export function nextMounted(
  mounted: ReadonlySet<string>,
  wanted: readonly string[],
  distance: (id: string) => number,
  budget = MOUNTS_PER_FRAME,
): { mounted: Set<string>; isDone: boolean; isChanged: boolean } {
  const next = new Set<string>();
  const missing: string[] = [];
  for (const id of wanted) {
    if (mounted.has(id)) next.add(id);
    else missing.push(id);
  }
  const removed = mounted.size - next.size;
  if (missing.length > budget) missing.sort((a, b) => distance(a) - distance(b));
  for (const id of missing.slice(0, budget)) next.add(id);
  return { mounted: next, isDone: missing.length <= budget, isChanged: removed > 0 || missing.length > 0 };
}

/** Whether the window shows so much that cards are drawn as from far. */
export function isFarAway(zoom: number, visible: readonly string[], items: ReadonlyMap<string, Item>): boolean {
  if (zoom < FAR_ZOOM) return true;
  let cards = 0;
  for (const id of visible) {
    const kind = items.get(id)?.kind;
    if (kind !== "zone" && kind !== "edge") cards += 1;
  }
  return cards > NEAR_CARDS_MAX;
}

/** Where Tab enters the board when nothing has the focus: the first card in reading order, else the first of anything. */
export function firstStop(visible: readonly string[], items: ReadonlyMap<string, Item>): string | null {
  let best: Item | null = null;
  for (const id of visible) {
    const item = items.get(id);
    if (!item || item.kind === "edge") continue;
    const isCard = item.kind === "session";
    const isBetter = !best || (isCard === (best.kind === "session") ? readingOrder(item.rect, best.rect) < 0 : isCard);
    if (isBetter) best = item;
  }
  return best?.id ?? null;
}

/** How high each mounted element lies: its place in the pile among them; the handles of arrows above all. */
export function ranksOf(mounted: Iterable<string>, items: ReadonlyMap<string, Item>): Map<string, number> {
  const pile = [...mounted].flatMap((id) => items.get(id) ?? []);
  pile.sort((a, b) => (a.ord === b.ord ? (a.id < b.id ? -1 : 1) : a.ord < b.ord ? -1 : 1));
  return new Map(pile.map(({ id, kind }, index) => [id, kind === "edge" ? 1_000 : index + 1]));
}
