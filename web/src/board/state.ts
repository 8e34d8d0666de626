// Shapes of the engine's state and of the layers that it works in.

import type { Op } from "@/wire";
import type { Point, Rect } from "./geometry";
import type { Guide } from "./snap";

/** What the pointer does on the board. */
export type Tool = "select" | "hand" | "zone" | "note" | "text" | "document" | "comment" | "edge";
/** Tools that make something where one drags or clicks. */
export type DrawTool = "zone" | "note" | "text" | "document";

export function isDrawTool(tool: Tool): tool is DrawTool {
  return tool === "zone" || tool === "note" || tool === "text" || tool === "document";
}

/** The layers that the engine works in, back to front. */
export interface Layers {
  root: HTMLElement;
  back: HTMLElement;
  surface: HTMLCanvasElement;
  front: HTMLElement;
  overlay: HTMLElement;
  cursors: HTMLElement;
  box: HTMLElement;
}

/** What people do on the board, for those who know what it means. */
export interface BoardHooks {
  /** A card was clicked or confirmed by key. */
  onOpen: (id: string) => void;
  /** Objects were dropped elsewhere, or have another size. */
  onMove: (ops: Op[]) => void;
  /** A rectangle was drawn with a tool, or a point was clicked (`rect` is `null`). */
  onDraw: (tool: DrawTool, rect: Rect | null, at: Point) => void;
  /** A line was drawn from one object to another. */
  onLink: (from: string, to: string) => void;
  /** A point was clicked to comment on it, or on the object there. */
  onPin: (at: Point, id: string | null) => void;
  /** Writing the words of an object has ended. */
  onWritten: (id: string) => void;
  /** Copies of objects were dropped this far away. */
  onDuplicate: (ids: ReadonlySet<string>, dx: number, dy: number) => void;
}

/** What React shows of the engine; a new object with each change. */
export interface BoardState {
  mounted: readonly string[];
  isFar: boolean;
  zoom: number;
  selected: ReadonlySet<string>;
  focused: string | null;
  /** The object whose words are being written. */
  editing: string | null;
  tool: Tool;
  /** The object from which an arrow is being drawn. */
  linkFrom: string | null;
  following: string | null;
  isEmpty: boolean;
  /** Whether objects may be put, changed and removed here. */
  canEdit: boolean;
  canComment: boolean;
}

/** Objects being dragged, with how far. */
export interface LiveDrag {
  ids: ReadonlySet<string>;
  dx: number;
  dy: number;
}

/** What is going on under the pointer and is not written yet. */
export interface Live {
  drag: LiveDrag | null;
  /** Objects being resized. */
  sizes: ReadonlyMap<string, Rect>;
  /** The end of the arrow that is being drawn. */
  linkTo: Point | null;
  guides: readonly Guide[];
}

/** Whether a tool is of use to somebody with these rights. */
export function isToolAllowed(tool: Tool, { canEdit, canComment }: Pick<BoardState, "canEdit" | "canComment">): boolean {
  if (tool === "select" || tool === "hand") return true;
  return tool === "comment" ? canComment : canEdit;
}

/** No object at all. */
export const NOTHING: ReadonlySet<string> = new Set();

/** Nothing going on. */
export const STILL: Live = { drag: null, sizes: new Map(), linkTo: null, guides: [] };

/** A board before anything happened. */
export const INITIAL: BoardState = {
  mounted: [],
  isFar: false,
  zoom: 1,
  selected: NOTHING,
  focused: null,
  editing: null,
  tool: "select",
  linkFrom: null,
  following: null,
  isEmpty: true,
  canEdit: true,
  canComment: true,
};
