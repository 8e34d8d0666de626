// What lies on a board, as the engine sees it: kind, place and size. Contents are the cards' affair.
import type { BoardMark, SessionCard, TopicObject } from "@/wire";
import type { Rect } from "./geometry";

export type ItemKind = "session" | "note" | "text" | "zone";

/** An object with its place. */
export interface Item {
  id: string;
  kind: ItemKind;
  rect: Rect;
}

/** Size of a session card. */
export const CARD_SIZE = [300, 140] as const;

const DEFAULT_SIZE: Record<ItemKind, readonly [number, number]> = {
  session: CARD_SIZE,
  note: [220, 132],
  text: [260, 40],
  zone: [720, 480],
};

function isPair(value: unknown): value is [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every((part) => Number.isFinite(part));
}

function isKind(kind: string): kind is ItemKind {
  return kind in DEFAULT_SIZE;
}

/** Reads an object of a board topic; `null` for kinds that this client does not know. */
export function itemOf(id: string, object: TopicObject): Item | null {
  const { pos, size } = object.v;
  if (!isKind(object.kind) || !isPair(pos)) return null;
  const [w, h] = object.kind !== "session" && isPair(size) ? size : DEFAULT_SIZE[object.kind];
  return { id, kind: object.kind, rect: { x: pos[0], y: pos[1], w, h } };
}

/** The properties of a session's card; the server guarantees their shape. */
export function cardOf(object: TopicObject): SessionCard {
  return object.v as unknown as SessionCard;
}

/** The properties of a note, text or zone; the server guarantees their shape. */
export function markOf(object: TopicObject): BoardMark {
  return object.v as unknown as BoardMark;
}
