// Keys of the board. Those that work everywhere are in `app/keys.ts`.
import type { Engine } from "@/board/engine";
import { type Direction, neighbour } from "@/board/geometry";
import type { MarkActions } from "./Marks";

const STEP = 20;
const LONG_STEP = 100;
const ZOOM_STEP = 1.25;

const DIRECTIONS: Record<string, Direction | undefined> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};

/** Whether keys belong to a field that takes text, or to a control. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element && target.closest("input, textarea, select, [contenteditable=true], [role=menu], [role=dialog]") !== null
  );
}

function moveSelected(engine: Engine, direction: Direction, isLong: boolean): void {
  const step = isLong ? LONG_STEP : STEP;
  const dx = direction === "left" ? -step : direction === "right" ? step : 0;
  const dy = direction === "up" ? -step : direction === "down" ? step : 0;
  const { focused, selected } = engine.state;
  if (focused !== null) engine.moveBy(engine.movers(focused), dx, dy);
  else engine.moveBy(selected, dx, dy);
}

function arrow(engine: Engine, direction: Direction, event: KeyboardEvent): void {
  if (event.altKey) {
    moveSelected(engine, direction, event.shiftKey);
    return;
  }
  const { focused, mounted } = engine.state;
  const from = focused ?? mounted.find((id) => engine.items.get(id)?.kind === "session");
  const rect = from === undefined ? undefined : engine.items.get(from)?.rect;
  if (from === undefined || !rect) return;
  const others = [...engine.grid.entries()].filter(([id]) => id !== from && engine.items.get(id)?.kind !== "zone");
  const next = focused === null ? from : neighbour(rect, others, direction);
  if (next !== null) engine.focusElement(next);
}

/** Handles a key pressed while the focus is in the board. */
export function boardKey(event: KeyboardEvent, engine: Engine, actions: MarkActions): void {
  if (isTyping(event.target) || event.ctrlKey || event.metaKey) return;
  const direction = DIRECTIONS[event.key];
  const { focused } = engine.state;
  const isItem = event.target instanceof Element && event.target.matches("[data-id]");
  if (direction) arrow(engine, direction, event);
  else if (event.key === "Enter" && isItem && focused !== null) {
    const kind = engine.items.get(focused)?.kind;
    if (kind === "session") engine.onOpen(focused);
    else if (kind === "note") actions.onEdit(focused);
  } else if ((event.key === "Delete" || event.key === "Backspace") && isItem && focused !== null) {
    if (engine.items.get(focused)?.kind !== "note") return;
    actions.onDelete(focused);
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

/** Handles the keys of the board that work without the focus in it. Returns whether it was one. */
export function viewKey(event: KeyboardEvent, engine: Engine): boolean {
  if (event.code === "Digit1" && event.shiftKey) engine.fit();
  else if (event.key === "+" || event.key === "=") engine.zoomBy(ZOOM_STEP);
  else if (event.key === "-") engine.zoomBy(1 / ZOOM_STEP);
  else if (event.key === "v" || event.key === "V") engine.setTool("select");
  else if (event.key === "h" || event.key === "H") engine.setTool("hand");
  else return false;
  return true;
}
