// How this person looked at a board: kept by the server, brought back on any computer.
// Until the server has answered, the board shows what this browser remembers.
import { useEffect, useRef } from "react";
import type { Engine } from "@/board/engine";
import { api } from "@/net/api";
import type { TopicStore } from "@/net/topic";
import type { BoardView, ViewPanel } from "@/wire";
import { useIsNarrow, useLogin } from "./live";
import { navigate, pathOf, pathOfDocument, type Route } from "./router";
import { PANEL_MAX, PANEL_MIN, setPanelWidth, useUi } from "./ui-state";

const VERSION = 1;
/** How often it is looked whether the view has changed; one that rests this long is kept. */
const LOOK_MS = 1_000;
const TARGET = /^(session|document):([0-9a-f-]+)$/i;

/** The panel beside the board, in the server's words. */
function panelOf(route: Route): ViewPanel | null {
  if (route.session !== null) return { target: `session:${route.session}`, tab: useUi.getState().panelTab };
  return route.document === null ? null : { target: `document:${route.document}` };
}

/** What the board looks like now, in the server's words. */
function viewOf(engine: Engine, panel: ViewPanel | null): BoardView {
  const { x, y, z } = engine.view;
  return {
    v: VERSION,
    viewport: [Math.round(-x / z), Math.round(-y / z), Math.round(z * 1_000) / 1_000],
    panels: panel === null ? [] : [panel],
    panel_width_px: useUi.getState().panelWidth,
    ...(panel !== null && { active_panel: 0 }),
  };
}

function whenLoaded(store: TopicStore, signal: AbortSignal): Promise<void> {
  if (store.isLoaded) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = store.subscribeAll(() => {
      if (!store.isLoaded) return;
      stop();
      resolve();
    });
    signal.addEventListener("abort", stop);
  });
}

/** Opens the kept panel, unless the address names another one or its object is not on the board any more. */
function restorePanel(panel: ViewPanel, engine: Engine, route: Route): void {
  const [, kind, id] = TARGET.exec(panel.target) ?? [];
  const opened = route.session ?? route.document;
  if (id === undefined || route.board === null || (opened !== null && opened !== id)) return;
  if (panel.tab !== undefined) useUi.setState({ panelTab: panel.tab });
  if (opened !== null || !engine.channel.store.get(id)) return;
  navigate(kind === "session" ? pathOf(route.board, id) : pathOfDocument(route.board, id), true);
}

/** Shows the board as a kept view says. */
function restore(view: BoardView, engine: Engine, route: Route, isUntouched: boolean): void {
  if (view.viewport && isUntouched) {
    const [left, top, z] = view.viewport;
    engine.look({ x: -left * z, y: -top * z, z });
  }
  const width = view.panel_width_px;
  if (width !== undefined && width >= PANEL_MIN && width <= PANEL_MAX) setPanelWidth(width);
  const panel = view.panels[view.active_panel ?? 0];
  if (panel) restorePanel(panel, engine, route);
}

/** Keeps the view as long as the board is open; returns the way to stop. */
function keepView(board: string, engine: Engine, route: () => Route): () => void {
  const abort = new AbortController();
  const { signal } = abort;
  let kept: string | null = null;
  let seen = "";
  let panel: ViewPanel | null = null;
  const current = () => {
    // Whoever goes to another board leaves the panel here as it was.
    if (route().board === board) panel = panelOf(route());
    return viewOf(engine, panel);
  };
  const save = (isLeaving: boolean) => {
    if (kept === null || engine.state.following !== null) return;
    const view = current();
    const text = JSON.stringify(view);
    const isResting = text === seen;
    seen = text;
    if (text === kept || !(isResting || isLeaving)) return;
    kept = text;
    // A view that is not kept is no loss: the next one is.
    api.boards.putView(board, view, isLeaving).catch(() => undefined);
  };
  const timer = setInterval(() => save(false), LOOK_MS);
  addEventListener("pagehide", () => save(true), { signal });
  void (async () => {
    const asked = api.boards.view(board, signal).catch(() => null);
    await whenLoaded(engine.channel.store, signal);
    const start = JSON.stringify(engine.view);
    const view = await asked;
    // Without an answer nothing is kept either: what the server has would be lost.
    if (signal.aborted || !view || route().board !== board) return;
    restore(view, engine, route(), JSON.stringify(engine.view) === start);
    kept = JSON.stringify(view);
  })();
  return () => {
    save(true);
    abort.abort();
    clearInterval(timer);
  };
}

/** Brings the kept view of a board back, once, and keeps it from then on. Only for people with a name. */
export function useBoardView(route: Route, engine: Engine | null): void {
  const { data: login } = useLogin();
  const isNarrow = useIsNarrow();
  const isOn = (login?.is_named ?? false) && !isNarrow;
  const now = useRef(route);
  now.current = route;
  const { board } = route;
  useEffect(() => {
    if (!isOn || board === null || engine?.channel.ch !== `board:${board}`) return;
    return keepView(board, engine, () => now.current);
  }, [isOn, board, engine]);
}
