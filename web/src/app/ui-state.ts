// State of the interface that the server does not know: theme, panel, open dialogs.
import { create } from "zustand";
import { recall, remember } from "./storage";

export type Theme = "light" | "dark" | "system";
export type NarrowTab = "board" | "sessions";

export const PANEL_MIN = 420;
export const PANEL_MAX = 900;
/** The board keeps at least this much beside the panel. */
export const BOARD_MIN = 280;

interface UiState {
  theme: Theme;
  /** Raised when the colours on screen changed. */
  themeVersion: number;
  panelWidth: number;
  /** Part of the session panel that is shown. */
  panelTab: string;
  creating: { isOpen: boolean; prompt?: string };
  isShortcutsOpen: boolean;
  /** Whether the dialog is open in which the board is shared. */
  isSharing: boolean;
  isNameAsked: boolean;
  tab: NarrowTab;
}

function savedTheme(): Theme {
  const saved = recall("theme");
  return saved === "light" || saved === "dark" ? saved : "system";
}

const savedWidth = Number(recall("panel-width"));

/** The interface's own state. */
export const useUi = create<UiState>(() => ({
  theme: savedTheme(),
  themeVersion: 0,
  panelWidth: savedWidth >= PANEL_MIN && savedWidth <= PANEL_MAX ? savedWidth : 520,
  panelTab: "conversation",
  creating: { isOpen: false },
  isShortcutsOpen: false,
  isSharing: false,
  isNameAsked: recall("name-skipped") === null,
  tab: "board",
}));

const darkSystem = matchMedia("(prefers-color-scheme: dark)");

function paint(): void {
  const { theme, themeVersion } = useUi.getState();
  const isDark = theme === "dark" || (theme === "system" && darkSystem.matches);
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  useUi.setState({ themeVersion: themeVersion + 1 });
}

darkSystem.addEventListener("change", paint);

/** Chooses the theme and remembers it. */
export function setTheme(theme: Theme): void {
  remember("theme", theme === "system" ? null : theme);
  useUi.setState({ theme });
  paint();
}

/** Sets the panel's width within its bounds. */
export function setPanelWidth(width: number): void {
  const most = Math.min(PANEL_MAX, Math.max(PANEL_MIN, innerWidth - BOARD_MIN));
  const panelWidth = Math.round(Math.min(most, Math.max(PANEL_MIN, width)));
  remember("panel-width", String(panelWidth));
  useUi.setState({ panelWidth });
}

/** Opens the dialog for a new session. */
export function startCreating(): void {
  useUi.setState({ creating: { isOpen: true } });
}

/** Opens or closes the dialog in which the board is shared. */
export function share(isSharing: boolean): void {
  useUi.setState({ isSharing });
}

/** Leaves the question for a name unanswered, for good. */
export function skipName(): void {
  remember("name-skipped", "1");
  useUi.setState({ isNameAsked: false });
}
