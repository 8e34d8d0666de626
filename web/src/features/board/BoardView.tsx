// Holds the engine of one board and makes the elements that it asks for.
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { createPortal } from "react-dom";
import { client } from "@/app/live";
import { openSession } from "@/app/router";
import { recall, remember } from "@/app/storage";
import { useUi } from "@/app/ui-state";
import { Engine } from "@/board/engine";
import type { Viewport } from "@/board/geometry";
import { listen } from "@/board/gestures";
import type { Layers } from "@/board/state";
import type { Channel } from "@/net/client";
import { randomUuid } from "@/net/ids";
import type { BoardMark } from "@/wire";
import { boardKey } from "./keys";
import { type MarkActions, NoteItem, TextItem, ZoneItem } from "./Marks";
import { SessionCard } from "./SessionCard";
import { Toolbar } from "./Toolbar";

const NOTE_SIZE: [number, number] = [220, 132];

function savedView(board: string): Viewport | null {
  const parts = (recall(`view.${board}`) ?? "").split(",").map(Number);
  const [x, y, z] = parts;
  if (parts.length !== 3 || x === undefined || y === undefined || z === undefined) return null;
  return [x, y, z].every(Number.isFinite) && z > 0 ? { x, y, z } : null;
}

/** Changes of notes, as mutations of the board. */
function useMarkActions(engine: Engine | null, me: string | null): MarkActions & { onAdd: () => void } {
  const [editing, setEditing] = useState<string | null>(null);
  return useMemo(() => {
    const set = (id: string, k: string, v: unknown) => engine && client.mutate(engine.channel, [{ op: "set", id, k, v }]);
    return {
      editing,
      onEdit: setEditing,
      onColor: (id, color) => set(id, "color", color),
      onDelete: (id) => {
        if (!engine) return;
        client.mutate(engine.channel, [{ op: "del", id }]);
        engine.select(new Set());
        engine.layers.root.focus();
      },
      onAdd: () => {
        if (!engine) return;
        const id = randomUuid();
        const x = Math.round((engine.width / 2 - engine.view.x) / engine.view.z - NOTE_SIZE[0] / 2);
        const y = Math.round((engine.height / 2 - engine.view.y) / engine.view.z - NOTE_SIZE[1] / 2);
        const v: BoardMark = {
          pos: [x, y],
          size: NOTE_SIZE,
          text: "",
          color: "amber",
          ord: "",
          is_locked: false,
          created_by: me ?? "",
        };
        client.mutate(engine.channel, [{ op: "put", id, kind: "note", v }]);
        // Not the element but its text field takes the keyboard's focus.
        engine.focus(id);
        engine.select(new Set([id]));
        setEditing(id);
      },
    };
  }, [engine, editing, me]);
}

/** The board with its toolbar. */
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
  const cursors = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const [engine, setEngine] = useState<Engine | null>(null);

  useEffect(() => {
    const layers = {
      root: root.current,
      back: back.current,
      surface: surface.current,
      front: front.current,
      cursors: cursors.current,
      box: box.current,
    };
    if (Object.values(layers).includes(null)) return;
    const made = new Engine(layers as Layers, channel, savedView(board));
    made.onOpen = openSession;
    made.onMove = (ops) => client.mutate(channel, ops);
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
    <section ref={root} className="board" aria-label="Board" tabIndex={-1} data-tool="select">
      <div ref={back} className="board-layer" />
      {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: a drawing without content of its own takes no focus */}
      <canvas ref={surface} className="board-surface" aria-hidden="true" />
      <div ref={front} className="board-layer" />
      <div ref={cursors} className="board-cursors" aria-hidden="true" />
      <div ref={box} className="board-box" />
      {engine && <Items engine={engine} openId={openId} back={back} front={front} />}
    </section>
  );
}

function useSavedView(engine: Engine, board: string): void {
  useEffect(() => {
    const save = () => {
      const { x, y, z } = engine.view;
      remember(`view.${board}`, [x, y, z].map((part) => part.toFixed(3)).join(","));
    };
    addEventListener("pagehide", save);
    return () => removeEventListener("pagehide", save);
  }, [engine, board]);
}

function Items({
  engine,
  openId,
  back,
  front,
}: {
  engine: Engine;
  openId: string | null;
  back: React.RefObject<HTMLDivElement | null>;
  front: React.RefObject<HTMLDivElement | null>;
}) {
  const state = useSyncExternalStore(engine.subscribe, () => engine.state);
  const me = client.connection.user;
  const actions = useMarkActions(engine, me);
  useSavedView(engine, engine.channel.ch.slice("board:".length));

  const onKey = useCallback((event: KeyboardEvent) => boardKey(event, engine, actions), [engine, actions]);
  useEffect(() => {
    const { root } = engine.layers;
    root.addEventListener("keydown", onKey);
    return () => root.removeEventListener("keydown", onKey);
  }, [engine, onKey]);

  useEffect(() => {
    engine.layers.root.dataset.tool = state.tool;
  }, [engine, state.tool]);

  useEffect(() => {
    if (openId) engine.select(new Set([openId]));
  }, [engine, openId]);

  const stop = state.focused ?? state.mounted.find((id) => engine.items.get(id)?.kind === "session") ?? state.mounted[0];
  const isAlone = state.selected.size === 1;
  const item = (id: string) => {
    const props = { engine, id, isSelected: state.selected.has(id), isTabStop: id === stop };
    switch (engine.items.get(id)?.kind) {
      case "session":
        return <SessionCard key={id} {...props} isOpen={id === openId} />;
      case "note":
        return <NoteItem key={id} {...props} isAlone={isAlone} actions={actions} />;
      case "text":
        return <TextItem key={id} {...props} />;
      default:
        return <ZoneItem key={id} {...props} />;
    }
  };
  const isZone = (id: string) => engine.items.get(id)?.kind === "zone";
  return (
    <>
      {back.current && createPortal(state.mounted.filter(isZone).map(item), back.current)}
      {front.current && createPortal(state.mounted.filter((id) => !isZone(id)).map(item), front.current)}
      <Toolbar engine={engine} state={state} onNote={actions.onAdd} />
    </>
  );
}
