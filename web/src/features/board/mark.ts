// What all elements of the board are given, and how they reach the engine.
import { useCallback } from "react";
import { useObject } from "@/app/live";
import type { Engine } from "@/board/engine";
import { markOf } from "@/board/items";
import type { BoardMark } from "@/wire";
import type { MarkActions } from "./Marks";

/** What the board tells each of its elements. */
export interface ItemProps {
  engine: Engine;
  id: string;
  isSelected: boolean;
  isTabStop: boolean;
}

/** What it tells those that people write on. */
export interface MarkProps extends ItemProps {
  isEditing: boolean;
  actions: MarkActions;
}

/** The properties of a mark. */
export function useMark(engine: Engine, id: string): BoardMark | null {
  const object = useObject(engine.channel.store, id);
  return object ? markOf(object) : null;
}

/** Gives the element to the engine, which places it. */
export function useAttach(engine: Engine, id: string) {
  return useCallback((element: HTMLElement | null) => (element ? engine.attach(id, element) : undefined), [engine, id]);
}
