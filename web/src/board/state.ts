// Shapes of the engine's state and of the layers that it works in.

export type Tool = "select" | "hand";

/** The layers that the engine works in, back to front. */
export interface Layers {
  root: HTMLElement;
  back: HTMLElement;
  surface: HTMLCanvasElement;
  front: HTMLElement;
  cursors: HTMLElement;
  box: HTMLElement;
}

/** What React shows of the engine; a new object with each change. */
export interface BoardState {
  mounted: readonly string[];
  isFar: boolean;
  zoom: number;
  selected: ReadonlySet<string>;
  focused: string | null;
  tool: Tool;
  following: string | null;
  isEmpty: boolean;
}

/** Objects being dragged, with how far. */
export interface LiveDrag {
  ids: ReadonlySet<string>;
  dx: number;
  dy: number;
}

/** No object at all. */
export const NOTHING: ReadonlySet<string> = new Set();

/** A board before anything happened. */
export const INITIAL: BoardState = {
  mounted: [],
  isFar: false,
  zoom: 1,
  selected: NOTHING,
  focused: null,
  tool: "select",
  following: null,
  isEmpty: true,
};
