// Keys of the board: those that need the focus in it, and those that work without.
import type { Engine } from "@/board/engine";
import { type Direction, neighbour, type Rect } from "@/board/geometry";
import { isDrawTool, type Tool } from "@/board/state";
import { showThread, useCommentUi } from "@/features/comments/ui-state";
import type { BoardActions } from "./actions";
import { runCommand, type Selection, selectionOf } from "./commands";
import { isTyping } from "./keys";
import { toggleMap, toggleSide } from "./ui-state";

const STEP = 20;
const LONG_STEP = 100;
const ZOOM_STEP = 1.25;
/** The name above a zone, which is what the keyboard goes to. */
const LABEL_UNITS = 28;

const DIRECTIONS: Record<string, Direction | undefined> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};

const TOOLS: Record<string, Tool | undefined> = { v: "select", h: "hand", z: "zone", n: "note", t: "text", c: "comment", x: "edge" };

function shiftOf(direction: Direction, step: number): [number, number] {
  if (direction === "left" || direction === "right") return [direction === "left" ? -step : step, 0];
  return [0, direction === "up" ? -step : step];
}

function moveSelected(engine: Engine, direction: Direction, isLong: boolean): void {
  const [dx, dy] = shiftOf(direction, isLong ? LONG_STEP : STEP);
  const { focused, selected } = engine.state;
  engine.moveBy(focused !== null ? engine.movers(focused) : engine.contents.movers(selected), dx, dy);
}

/** Where an object is for the arrow keys: a zone is where its name is. */
function stopRect(engine: Engine, id: string): Rect | null {
  const item = engine.items.get(id);
  if (!item) return null;
  const { x, y, w } = item.rect;
  return item.kind === "zone" ? { x, y: y - LABEL_UNITS, w: Math.min(w, 160), h: LABEL_UNITS } : item.rect;
}

function arrow(actions: BoardActions, direction: Direction, event: KeyboardEvent): void {
  const { engine } = actions;
  if (event.altKey) {
    moveSelected(engine, direction, event.shiftKey);
    return;
  }
  if (event.ctrlKey || event.metaKey) {
    actions.resizeBy(engine.state.selected, ...shiftOf(direction, STEP));
    return;
  }
  const { focused, mounted, selected } = engine.state;
  const from = focused ?? mounted.find((id) => engine.items.get(id)?.kind === "session") ?? mounted[0];
  const rect = from === undefined ? null : stopRect(engine, from);
  if (from === undefined || !rect) return;
  const others: [string, Rect][] = [];
  for (const id of engine.items.keys()) {
    const other = id === from ? null : stopRect(engine, id);
    if (other) others.push([id, other]);
  }
  const next = focused === null ? from : neighbour(rect, others, direction);
  if (next === null) return;
  engine.focusElement(next);
  if (event.shiftKey) engine.select(new Set([...selected, next]));
}

function enter(actions: BoardActions, focused: string): void {
  const { engine } = actions;
  const { linkFrom } = engine.state;
  const kind = engine.items.get(focused)?.kind;
  if (linkFrom !== null && linkFrom !== focused) {
    engine.linkFrom(null);
    engine.hooks.onLink(linkFrom, focused);
  } else if (kind === "session" || kind === "document") engine.hooks.onOpen(focused);
  else if (kind !== "image") engine.edit(focused);
}

/** Handles a key pressed while the focus is in the board. */
export function boardKey(event: KeyboardEvent, actions: BoardActions): void {
  const { engine } = actions;
  if (isTyping(event.target)) return;
  const direction = DIRECTIONS[event.key];
  const { focused, tool } = engine.state;
  const isItem = event.target instanceof Element && event.target.matches("[data-id]");
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (direction) arrow(actions, direction, event);
  else if (event.key === "Enter" && isPlain && isItem && focused !== null && !isDrawTool(tool)) enter(actions, focused);
  else if (event.key === "F2" && isItem && focused !== null) engine.edit(focused);
  else if (event.key === " " && isPlain && event.shiftKey && isItem && focused !== null) toggle(engine, focused);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function toggle(engine: Engine, id: string): void {
  const selected = new Set(engine.state.selected);
  if (!selected.delete(id)) selected.add(id);
  engine.select(selected);
}

/** Keys with Ctrl or Command. Returns whether it was one. */
function commandKey(event: KeyboardEvent, actions: BoardActions): boolean {
  const selection = meant(actions);
  const key = event.key.toLowerCase();
  if (key === "a" && !event.shiftKey) actions.engine.selectAll();
  else if (key === "d" && !event.shiftKey) return runCommand("duplicate", selection);
  else if (key === "o" && event.shiftKey) toggleSide("outline");
  else if (key === "l" && event.shiftKey) return runCommand("tidy", selection);
  else return false;
  return true;
}

/** Keys that change the view. Returns whether it was one. */
function viewKey(event: KeyboardEvent, engine: Engine): boolean {
  if (event.code === "Digit1" && event.shiftKey) engine.fit();
  else if (event.code === "Digit2" && event.shiftKey) engine.fitSelection();
  else if (event.code === "Digit0" && event.shiftKey) engine.zoomBy(1 / engine.view.z);
  else if (event.key === "+" || event.key === "=") engine.zoomBy(ZOOM_STEP);
  else if (event.key === "-") engine.zoomBy(1 / ZOOM_STEP);
  else return false;
  return true;
}

function toolKey(tool: Tool, actions: BoardActions): void {
  const { engine } = actions;
  // With the focus on an object, arrow and comment begin there: that is how they are used without a pointer.
  const id = focusedId();
  const selection = id === null ? null : selectionOf(actions, new Set([id]));
  if (tool === "edge" && runCommand("link", selection)) return;
  if (tool === "comment" && runCommand("comment", selection)) return;
  engine.setTool(tool);
}

/** The object that has the keyboard's focus. */
function focusedId(): string | null {
  const element = document.activeElement;
  return element instanceof HTMLElement && element.matches(".board [data-id]") ? (element.dataset.id ?? null) : null;
}

/** What a key is about: the selection, unless the focus is on something else. */
function meant(actions: BoardActions): Selection | null {
  const { selected } = actions.engine.state;
  const id = focusedId();
  return selectionOf(actions, id === null || selected.has(id) ? selected : new Set([id]));
}

/** Calls off what is going on, the nearest thing first. Returns whether there was something. */
function callOff(engine: Engine): boolean {
  const { tool, linkFrom, selected } = engine.state;
  if (tool !== "select" || linkFrom !== null) engine.setTool("select");
  else if (useCommentUi.getState().open !== null) showThread(null);
  else if (selected.size > 1) engine.select(new Set());
  else return false;
  return true;
}

/** Handles the keys of the board that work without the focus in it. Returns whether it was one. */
export function globalKey(event: KeyboardEvent, actions: BoardActions): boolean {
  const { engine } = actions;
  if (isTyping(event.target) || event.altKey) return false;
  if (event.ctrlKey || event.metaKey) return commandKey(event, actions);
  const { tool } = engine.state;
  const selection = meant(actions);
  const wanted = event.shiftKey ? undefined : TOOLS[event.key.toLowerCase()];
  if (event.key === "Escape") return callOff(engine);
  if (wanted) toolKey(wanted, actions);
  else if (event.key === "Enter" && isDrawTool(tool)) actions.drawInMiddle(tool);
  else if (event.key === "Delete" || event.key === "Backspace") return runCommand("delete", selection);
  else if (event.key === "m") toggleMap();
  else if (event.key === "}") return runCommand("front", selection);
  else if (event.key === "{") return runCommand("back", selection);
  else if (event.key === "L" && event.shiftKey) return runCommand("lock", selection) || runCommand("unlock", selection);
  else return viewKey(event, engine);
  return true;
}
