// Holds the engine of one board and makes the elements that it asks for.
import { lazy, Suspense, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { createPortal } from "react-dom";
import { client } from "@/app/live";
import { openDocument, openSession } from "@/app/router";
import { recall, remember } from "@/app/storage";
import { useUi } from "@/app/ui-state";
import { Engine } from "@/board/engine";
import type { Viewport } from "@/board/geometry";
import { listen } from "@/board/gestures";
import type { BoardHooks, Layers } from "@/board/state";
import { useMay } from "@/features/rights/useMay";
import type { Channel } from "@/net/client";
import { type MarkActions, NoteItem, TextItem, ZoneItem } from "./Marks";
import { SessionCard } from "./SessionCard";
import { ArrowItem, DocumentItem, ImageItem } from "./Things";

/** From here on a card shows the conversation itself. */
const WINDOW_ZOOM = 1.5;

/** Tools come after the board: first people see what is there. */
const Tools = lazy(() => import("./Tools"));

function savedView(board: string): Viewport | null {
  const parts = (recall(`view.${board}`) ?? "").split(",").map(Number);
  const [x, y, z] = parts;
  if (parts.length !== 3 || x === undefined || y === undefined || z === undefined) return null;
  return [x, y, z].every(Number.isFinite) && z > 0 ? { x, y, z } : null;
}

/** What the gestures mean until the tools have come. */
function firstHooks(channel: Channel): BoardHooks {
  const nothing = () => undefined;
  return {
    onOpen: (id) => (channel.store.get(id)?.kind === "document" ? openDocument(id) : openSession(id)),
    onMove: (ops) => client.mutate(channel, ops),
    onDraw: nothing,
    onLink: nothing,
    onPin: nothing,
    onWritten: nothing,
    onDuplicate: nothing,
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
  const side = useRef<HTMLDivElement>(null);
  const root = useRef<HTMLElement>(null);
  const back = useRef<HTMLDivElement>(null);
  const surface = useRef<HTMLCanvasElement>(null);
  const front = useRef<HTMLDivElement>(null);
  const overlay = useRef<HTMLDivElement>(null);
  const cursors = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const [engine, setEngine] = useState<Engine | null>(null);

  useEffect(() => {
    const found = { root, back, surface, front, overlay, cursors, box };
    const layers = Object.fromEntries(Object.entries(found).map(([name, ref]) => [name, ref.current]));
    if (Object.values(layers).includes(null)) return;
    const made = new Engine(layers as unknown as Layers, channel, firstHooks(channel), savedView(board));
    const stop = listen(made);
    setEngine(made);
    onEngine(made);
    return () => {
      const { x, y, z } = made.view;
      remember(`view.${board}`, [x, y, z].map((part) => part.toFixed(3)).join(","));
      stop();
      made.close();
      setEngine(null);
      onEngine(null);
    };
  }, [channel, board, onEngine]);

  const themeVersion = useUi((state) => state.themeVersion);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme is what changed
  useEffect(() => engine?.recolour(), [engine, themeVersion]);

  return (
    <div className="absolute inset-0 flex">
      <div ref={side} className="contents" />
      <div className="@container relative min-w-0 flex-1">
        <section ref={root} className="board" aria-label="Board" tabIndex={-1} data-tool="select">
          <div ref={back} className="board-layer" />
          {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: a drawing without content of its own takes no focus */}
          <canvas ref={surface} className="board-surface" aria-hidden="true" />
          <div ref={front} className="board-layer" />
          <div ref={overlay} className="board-overlay" />
          <div ref={cursors} className="board-cursors" aria-hidden="true" />
          <div ref={box} className="board-box" />
        </section>
        {engine && <Items engine={engine} openId={openId} side={side} />}
      </div>
    </div>
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

function Items({ engine, openId, side }: { engine: Engine; openId: string | null; side: React.RefObject<HTMLElement | null> }) {
  const state = useSyncExternalStore(engine.subscribe, () => engine.state);
  const may = useMay(engine.channel.ch.slice("board:".length));
  const [canEdit, canComment] = [may.can("prompt"), may.can("comment")];
  useEffect(() => engine.allow(canEdit, canComment), [engine, canEdit, canComment]);
  useSavedView(engine);
  const marks: MarkActions = useMemo(
    () => ({
      onEdit: (id) => engine.edit(id),
      onText: (id, text, height = 0) => {
        const rect = engine.items.get(id)?.rect;
        const isTooLow = rect !== undefined && height > rect.h;
        engine.hooks.onMove([
          { op: "set", id, k: "text", v: text },
          ...(isTooLow ? [{ op: "set", id, k: "size", v: [Math.round(rect.w), Math.ceil(height)] } as const] : []),
        ]);
      },
    }),
    [engine],
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
        return <SessionCard key={id} {...props} isOpen={id === openId} isNear={state.zoom >= WINDOW_ZOOM} />;
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
      {createPortal(state.mounted.filter((id) => !isZone(id)).map(item), layers.front)}
      <Suspense fallback={null}>
        <Tools engine={engine} state={state} side={side} may={may} />
      </Suspense>
    </>
  );
}
