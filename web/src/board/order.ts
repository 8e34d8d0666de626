// Places in the pile of a board: fractional keys, so that a new place never changes those of others.
import { generateNKeysBetween } from "fractional-indexing";
import type { Item } from "./items";

/** Objects in the order of the pile, lowest first. */
function piled(items: Iterable<Item>): Item[] {
  const byPlace = (a: Item, b: Item) => (a.ord === b.ord ? (a.id < b.id ? -1 : 1) : a.ord < b.ord ? -1 : 1);
  return [...items].filter((item) => item.kind !== "edge").sort(byPlace);
}

function keysBetween(low: string | null, high: string | null, count: number): string[] {
  try {
    return generateNKeysBetween(low, high, count);
  } catch {
    // A key of another form, or two equal ones: above everything is a place that always exists.
    return generateNKeysBetween(null, null, count);
  }
}

/** Keys above everything that lies on the board. */
export function keysAbove(items: Iterable<Item>, count: number): string[] {
  const pile = piled(items);
  return keysBetween(pile[pile.length - 1]?.ord || null, null, count);
}

/** New keys that bring objects to the front or the back of the pile, in the order they have among themselves. */
export function restacked(items: Iterable<Item>, ids: ReadonlySet<string>, end: "front" | "back"): Map<string, string> {
  const pile = piled(items);
  const moved = pile.filter(({ id }) => ids.has(id));
  const rest = pile.filter(({ id }) => !ids.has(id));
  const keys =
    end === "front"
      ? keysBetween(rest[rest.length - 1]?.ord || null, null, moved.length)
      : keysBetween(null, rest[0]?.ord || null, moved.length);
  return new Map(moved.map(({ id }, index) => [id, keys[index] ?? ""]));
}
