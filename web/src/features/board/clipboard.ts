// Copying objects, also from one board to another: what is copied, as text, and as new objects.
import type { Engine } from "@/board/engine";
import { bounds, type Point } from "@/board/geometry";
import { markOf } from "@/board/items";
import { randomUuid } from "@/net/ids";
import type { BoardMark } from "@/wire";

/** Under this type copied objects lie in the clipboard of the system. */
export const CLIPBOARD_TYPE = "application/x-grove-objects";
/** More than this is not copied at once. */
const OBJECTS_MAX = 400;

/** An object as it is copied. */
export interface CopiedObject {
  id: string;
  kind: string;
  v: BoardMark;
}

/** What was copied. */
export interface Copied {
  v: 1;
  /** The board that it was copied from: images can be shown only there. */
  board: string;
  objects: CopiedObject[];
}

/** The objects and the arrows between them; cards of sessions cannot be copied. */
export function copiedFrom(engine: Engine, ids: ReadonlySet<string>): Copied {
  const { store, ch } = engine.channel;
  const all = new Set(ids);
  for (const [id, { from, to }] of engine.contents.links) if (ids.has(from) && ids.has(to)) all.add(id);
  const objects: CopiedObject[] = [];
  for (const id of all) {
    const object = store.get(id);
    if (!object || !engine.items.has(id) || object.kind === "session" || objects.length === OBJECTS_MAX) continue;
    objects.push({ id, kind: object.kind, v: markOf(object) });
  }
  return { v: 1, board: ch.slice("board:".length), objects };
}

/** Reads what lies in the clipboard; `null` when it is something else. */
export function readCopied(text: string): Copied | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("v" in value) || value.v !== 1) return null;
    if (!("objects" in value) || !Array.isArray(value.objects)) return null;
    return { ...(value as Copied), objects: value.objects.slice(0, OBJECTS_MAX).filter(isObject) };
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is CopiedObject {
  if (typeof value !== "object" || value === null || !("id" in value && "kind" in value && "v" in value)) return false;
  return typeof value.id === "string" && typeof value.kind === "string" && typeof value.v === "object" && value.v !== null;
}

/** The words of what was copied, for other programs. */
export function wordsOf(copied: Copied): string {
  return copied.objects
    .map(({ v }) => [v.title, v.text].filter(Boolean).join("\n"))
    .filter(Boolean)
    .join("\n\n");
}

/** New objects like the copied ones: shifted by `at`, or with their middle there. */
export function pasted(copied: Copied, at: Point, isShift: boolean, ords: readonly string[], me: string): CopiedObject[] {
  const ids = new Map(copied.objects.map(({ id }) => [id, randomUuid()]));
  const placed = copied.objects.filter(({ kind }) => kind !== "edge");
  const around = bounds(placed.map(({ v }) => ({ x: v.pos[0], y: v.pos[1], w: v.size?.[0] ?? 0, h: v.size?.[1] ?? 0 })));
  const [dx, dy] = isShift || !around ? at : [at[0] - around.x - around.w / 2, at[1] - around.y - around.h / 2];
  const byPile = (a: CopiedObject, b: CopiedObject) => ((a.v.ord ?? "") < (b.v.ord ?? "") ? -1 : 1);
  const made: CopiedObject[] = [...placed].sort(byPile).map(({ id, kind, v }, index) => {
    const pos: [number, number] = [Math.round(v.pos[0] + dx), Math.round(v.pos[1] + dy)];
    return { id: ids.get(id) ?? id, kind, v: { ...v, pos, ord: ords[index] ?? "", is_locked: false, created_by: me } };
  });
  for (const { id, kind, v } of copied.objects) {
    const from = ids.get(v.from ?? "");
    const to = ids.get(v.to ?? "");
    if (kind === "edge" && from && to) made.push({ id: ids.get(id) ?? id, kind, v: { ...v, from, to, is_locked: false, created_by: me } });
  }
  return made;
}
