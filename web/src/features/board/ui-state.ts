// What is open around the board, remembered by this browser.
import { create } from "zustand";
import { recall, remember } from "@/app/storage";

/** Lists beside the board. */
export type Side = "outline" | "comments";

interface BoardUi {
  side: Side | null;
  isMapOpen: boolean;
}

const savedSide = recall("board-side");

export const useBoardUi = create<BoardUi>(() => ({
  side: savedSide === "outline" || savedSide === "comments" ? savedSide : null,
  isMapOpen: recall("board-map") === "1",
}));

/** Opens a list beside the board, or closes it when it is the one that is open. */
export function toggleSide(side: Side): void {
  const next = useBoardUi.getState().side === side ? null : side;
  remember("board-side", next);
  useBoardUi.setState({ side: next });
}

/** Shows or hides the map. */
export function toggleMap(): void {
  const isMapOpen = !useBoardUi.getState().isMapOpen;
  remember("board-map", isMapOpen ? "1" : null);
  useBoardUi.setState({ isMapOpen });
}
