// Addresses: `/`, `/b/:board`, `/b/:board/s/:session`, `/b/:board/d/:document`, `/settings/:page`.
// Small enough to need no library.
import { useSyncExternalStore } from "react";

/** What the address names. */
export interface Route {
  board: string | null;
  session: string | null;
  document: string | null;
  /** A part of the settings; empty for the first. */
  settings: string | null;
}

/** Reads a path. */
export function routeOf(path: string): Route {
  const match = /^\/b\/([0-9a-f-]+)(?:\/(s|d)\/([0-9a-f-]+))?\/?$/i.exec(path);
  const [board = null, kind, id = null] = match?.slice(1) ?? [];
  const settings = /^\/settings(?:\/([a-z-]*))?\/?$/.exec(path);
  return {
    board,
    session: kind === "s" ? id : null,
    document: kind === "d" ? id : null,
    settings: settings ? (settings[1] ?? "") : null,
  };
}

/** The path of a board, or of a session beside it. */
export function pathOf(board: string, session?: string | null): string {
  return session ? `/b/${board}/s/${session}` : `/b/${board}`;
}

const listeners = new Set<() => void>();
let current = routeOf(location.pathname);

function changed(): void {
  current = routeOf(location.pathname);
  for (const listener of listeners) listener();
}

addEventListener("popstate", changed);

/** Goes to a path; `isReplacing` leaves no step back. */
export function navigate(path: string, isReplacing = false): void {
  if (path === location.pathname) return;
  if (isReplacing) history.replaceState(null, "", path);
  else history.pushState(null, "", path);
  changed();
}

/** Opens a session's panel on the board that is on screen. */
export function openSession(session: string | null): void {
  if (current.board) navigate(pathOf(current.board, session));
}

/** The path of a document beside its board. */
export function pathOfDocument(board: string, document: string): string {
  return `${pathOf(board)}/d/${document}`;
}

/** Opens a document in the panel of the board that is on screen. */
export function openDocument(document: string): void {
  if (current.board) navigate(pathOfDocument(current.board, document));
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The present route. */
export function useRoute(): Route {
  return useSyncExternalStore(subscribe, () => current);
}
