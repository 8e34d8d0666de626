// Holds the engine of one board and makes the elements that it asks for.
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { createPortal } from "react-dom";
import { client } from "@/app/live";
import { openSession } from "@/app/router";
import { recall, remember } from "@/app/storage";
import { useUi } from "@/app/ui-state";
import { Engine } from "@/board/engine";
import type { Viewport } from "@/board/geometry";
import { listen } from "@/board/gestures";
import type { BoardHooks, Layers } from "@/board/state";
import type { Channel } from "@/net/client";
import { BoardActions } from "./actions";
import { BoardContext } from "./BoardContext";
import { boardKey, globalKey } from "./keys";
import { type MarkActions, NoteItem, TextItem, ZoneItem } from "./Marks";
import { SelectionLayer } from "./SelectionLayer";
import { SessionCard } from "./SessionCard";
import { ArrowItem, DocumentItem, ImageItem } from "./Things";
import { Toolbar } from "./Toolbar";
import { useClipboard } from "./useClipboard";
import { ZoomBar } from "./ZoomBar";

function savedView(board: string): Viewport | null {
  const parts = (recall(`view.${board}`) ?? "").split(",").map(Number);
  const [x, y, z] = parts;
  if (parts.length !== 3 || x === undefined || y === undefined || z === undefined) return null;
  return [x, y, z].every(Number.isFinite) && z > 0 ? { x, y, z } : null;
}

/** What the gestures of the board mean. The actions need the engine, which needs the hooks: hence the box. */
function hooksFor(box: { actions: BoardActions | null }): BoardHooks {
  return {
    onOpen: (id) => openSession(id),
    onMove: (ops) => box.actions?.send(ops),
    onDraw: (tool, rect, at) => box.actions?.draw(tool, rect, at),
    onLink: (from, to) => box.actions?.link(from, to),
    onPin: () => undefined,
    onDuplicate: (ids, dx, dy) => box.actions?.duplicate(ids, dx, dy),
  };
}

/** The board with its tools. */
export function BoardView({
  channel,
  board,
  openId,
  onEngine,
}: {
  channel: Channel;
  board: string;
  openId: string | null;
  onEngine: (engine: Engine | null) => void;
}) {
  const root = useRef<HTMLElement>(null);
  const back = useRef<HTMLDivElement>(null);
  const surface = useRef<HTMLCanvasElement>(null);
  const front = useRef<HTMLDivElement>(null);
  const overlay = useRef<HTMLDivElement>(null);
  const cursors = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const [actions, setActions] = useState<BoardActions | null>(null);

  useEffect(() => {
    const found = { root, back, surface, front, overlay, cursors, box };
    const layers = Object.fromEntries(Object.entries(found).map(([name, ref]) => [name, ref.current]));
    if (Object.values(layers).includes(null)) return;
    const held: { actions: BoardActions | null } = { actions: null };
    const made = new Engine(layers as unknown as Layers, channel, hooksFor(held), savedView(board));
    held.actions = new BoardActions(made, client, () => client.connection.user ?? "");
    const stop = listen(made);
    setActions(held.actions);
    onEngine(made);
    return () => {
      const { x, y, z } = made.view;
      remember(`view.${board}`, [x, y, z].map((part) => part.toFixed(3)).join(","));
      stop();
      made.close();
      setActions(null);
      onEngine(null);
    };
  }, [channel, board, onEngine]);

  const engine = actions?.engine;
  const themeVersion = useUi((state) => state.themeVersion);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme is what changed
  useEffect(() => engine?.recolour(), [engine, themeVersion]);

  return (
    <>
      <BoardContext actions={actions}>
        <section ref={root} className="board" aria-label="Board" tabIndex={-1} data-tool="select">
          <div ref={back} className="board-layer" />
          {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: a drawing without content of its own takes no focus */}
          <canvas ref={surface} className="board-surface" aria-hidden="true" />
          <div ref={front} className="board-layer" />
          <div ref={overlay} className="board-overlay" />
          <div ref={cursors} className="board-cursors" aria-hidden="true" />
          <div ref={box} className="board-box" />
        </section>
      </BoardContext>
      {actions && <Items actions={actions} openId={openId} />}
    </>
  );
}

function useSavedView(engine: Engine): void {
  useEffect(() => {
    const board = engine.channel.ch.slice("board:".length);
    const save = () => {
      const { x, y, z } = engine.view;
      remember(`view.${board}`, [x, y, z].map((part) => part.toFixed(3)).join(","));
    };
    addEventListener("pagehide", save);
    return () => removeEventListener("pagehide", save);
  }, [engine]);
}

function useKeys(actions: BoardActions): void {
  useEffect(() => {
    const { root } = actions.engine.layers;
    const stop = new AbortController();
    root.addEventListener("keydown", (event) => boardKey(event, actions), { signal: stop.signal });
    addEventListener(
      "keydown",
      (event) => {
        if (event.defaultPrevented || !globalKey(event, actions)) return;
        event.preventDefault();
      },
      { signal: stop.signal },
    );
    return () => stop.abort();
  }, [actions]);
}

function Items({ actions, openId }: { actions: BoardActions; openId: string | null }) {
  const { engine } = actions;
  const state = useSyncExternalStore(engine.subscribe, () => engine.state);
  useSavedView(engine);
  useKeys(actions);
  useClipboard(actions);
  const marks: MarkActions = useMemo(
    () => ({ onEdit: (id) => engine.edit(id), onText: (id, text) => actions.setText(id, text) }),
    [actions, engine],
  );

  useEffect(() => {
    engine.layers.root.dataset.tool = state.linkFrom === null ? state.tool : "edge";
  }, [engine, state.tool, state.linkFrom]);
  useEffect(() => {
    if (openId) engine.select(new Set([openId]));
  }, [engine, openId]);

  const stop = state.focused ?? state.mounted.find((id) => engine.items.get(id)?.kind === "session") ?? state.mounted[0];
  const item = (id: string) => {
    const props = { engine, id, isSelected: state.selected.has(id), isTabStop: id === stop };
    const written = { ...props, isEditing: state.editing === id, actions: marks };
    switch (engine.items.get(id)?.kind) {
      case "session":
        return <SessionCard key={id} {...props} isOpen={id === openId} />;
      case "note":
        return <NoteItem key={id} {...written} />;
      case "text":
        return <TextItem key={id} {...written} />;
      case "zone":
        return <ZoneItem key={id} {...written} />;
      case "edge":
        return <ArrowItem key={id} {...written} />;
      case "image":
        return <ImageItem key={id} {...props} />;
      case "document":
        return <DocumentItem key={id} {...props} />;
      default:
        return null;
    }
  };
  const isZone = (id: string) => engine.items.get(id)?.kind === "zone";
  const { layers } = engine;
  return (
    <>
      {createPortal(state.mounted.filter(isZone).map(item), layers.back)}
      {createPortal(
        state.mounted.filter((id) => !isZone(id)).map(item),
        layers.front,
      )}
      {createPortal(<SelectionLayer actions={actions} state={state} />, layers.overlay)}
      <Toolbar actions={actions} state={state} />
      <div className="absolute right-3 bottom-3">
        <ZoomBar engine={engine} zoom={state.zoom} />
      </div>
    </>
  );
}
