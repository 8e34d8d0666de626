// What lies on a board, as the engine sees it: kind, place and size. Contents are the cards' affair.
import type { BoardMark, SessionCard, TopicObject } from "@/wire";
import type { Rect } from "./geometry";

export type ItemKind = "session" | "note" | "text" | "zone" | "image" | "document" | "edge";

/** An object with its place. */
export interface Item {
  id: string;
  kind: ItemKind;
  rect: Rect;
  /** Place in the pile: later strings lie above earlier ones. */
  ord: string;
  isLocked: boolean;
}

/** An arrow from one object to another. */
export interface Link {
  from: string;
  to: string;
}

/** Size of a session card. */
export const CARD_SIZE = [300, 140] as const;
/** Size of the handle in the middle of an arrow, which bears its label. */
export const HANDLE_SIZE = [160, 28] as const;

const DEFAULT_SIZE: Record<ItemKind, readonly [number, number]> = {
  session: CARD_SIZE,
  note: [220, 132],
  text: [260, 40],
  zone: [720, 480],
  image: [320, 240],
  document: [240, 132],
  edge: HANDLE_SIZE,
};

/** The smallest size of each kind that people can make. */
export const LEAST_SIZE: Record<ItemKind, readonly [number, number]> = {
  session: CARD_SIZE,
  note: [100, 60],
  text: [60, 28],
  zone: [160, 120],
  image: [40, 40],
  document: [180, 100],
  edge: HANDLE_SIZE,
};

/** Whether people can change the size of this kind. */
export function isResizable(item: Item): boolean {
  return item.kind !== "session" && item.kind !== "edge" && !item.isLocked;
}

function isPair(value: unknown): value is [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every((part) => Number.isFinite(part));
}

function isKind(kind: string): kind is ItemKind {
  return kind in DEFAULT_SIZE;
}

/** Reads an object of a board topic; `null` for kinds that this client does not know, and for what has no place of its own. */
export function itemOf(id: string, object: TopicObject): Item | null {
  const { pos, size, ord, is_locked } = object.v;
  if (!isKind(object.kind) || object.kind === "edge" || !isPair(pos)) return null;
  const [w, h] = object.kind !== "session" && isPair(size) ? size : DEFAULT_SIZE[object.kind];
  return {
    id,
    kind: object.kind,
    rect: { x: pos[0], y: pos[1], w, h },
    ord: typeof ord === "string" ? ord : "",
    isLocked: is_locked === true,
  };
}

/** Reads the ends of an arrow; `null` for everything else. */
export function linkOf(object: TopicObject): Link | null {
  const { from, to } = object.v;
  return object.kind === "edge" && typeof from === "string" && typeof to === "string" ? { from, to } : null;
}

/** The properties of a session's card; the server guarantees their shape. */
export function cardOf(object: TopicObject): SessionCard {
  return object.v as unknown as SessionCard;
}

/** The properties of a note, text, zone and the like; the server guarantees their shape. */
export function markOf(object: TopicObject): BoardMark {
  return object.v as unknown as BoardMark;
}
