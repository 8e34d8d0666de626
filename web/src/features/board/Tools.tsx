// Everything that changes the board: toolbar, keys, clipboard, menus, handles. Loaded after the board itself.
import { ListTree, Map as MapIcon, MessagesSquare } from "lucide-react";
import { useEffect, useMemo } from "react";
import { createPortal } from "react-dom";
import { client } from "@/app/live";
import type { Engine } from "@/board/engine";
import type { Point } from "@/board/geometry";
import type { BoardState } from "@/board/state";
import { CommentLayer } from "@/features/comments/CommentLayer";
import { useThreads } from "@/features/comments/hooks";
import { startThread } from "@/features/comments/ui-state";
import type { May } from "@/features/rights/useMay";
import { IconButton } from "@/ui/Button";
import { Tip } from "@/ui/Tip";
import { BoardActions } from "./actions";
import { BoardContext } from "./BoardContext";
import { BoardSide } from "./BoardSide";
import { boardKey, globalKey } from "./boardKeys";
import { BoardMap } from "./Map";
import { SelectionLayer } from "./SelectionLayer";
import { nameOf } from "./Things";
import { Toolbar } from "./Toolbar";
import { toggleMap, toggleSide, useBoardUi } from "./ui-state";
import { useClipboard } from "./useClipboard";
import { ZoomBar } from "./ZoomBar";

/** The actions of a board, which give the gestures their meaning. */
function useActions(engine: Engine): BoardActions {
  const actions = useMemo(() => new BoardActions(engine, client, () => client.connection.user ?? ""), [engine]);
  useEffect(() => {
    Object.assign(engine.hooks, {
      onMove: (ops) => actions.send(ops),
      onDraw: (tool, rect, at) => actions.draw(tool, rect, at),
      onLink: (from, to) => actions.link(from, to),
      onPin: (at, id) => pin(engine, at, id),
      onWritten: (id) => actions.written(id),
      onDuplicate: (ids, dx, dy) => actions.duplicate(ids, dx, dy),
    } satisfies Partial<Engine["hooks"]>);
  }, [engine, actions]);
  return actions;
}

/** Begins a comment on an object, or on a point of the board. */
function pin(engine: Engine, at: Point, id: string | null): void {
  const { ch } = engine.channel;
  const board = ch.slice("board:".length);
  engine.setTool("select");
  const pos: [number, number] = [Math.round(at[0]), Math.round(at[1])];
  startThread({ board: ch, anchor: id === null ? { kind: "point", board, pos } : { kind: "object", board, object: id } });
}

function useKeys(actions: BoardActions): void {
  useEffect(() => {
    const { root } = actions.engine.layers;
    const stop = new AbortController();
    const { signal } = stop;
    root.addEventListener("keydown", (event) => boardKey(event, actions), { signal });
    const global = (event: KeyboardEvent) => {
      if (!event.defaultPrevented && globalKey(event, actions)) event.preventDefault();
    };
    // On the document, not the window: before the keys of the page, to which Escape means something else.
    document.addEventListener("keydown", global, { signal });
    return () => stop.abort();
  }, [actions]);
}

/** Opens the lists beside the board. */
function ListButtons({ engine }: { engine: Engine }) {
  const { side } = useBoardUi();
  const open = useThreads(engine.channel.store).filter(({ root }) => !root.is_resolved).length;
  if (side !== null) return null;
  return (
    <div
      role="toolbar"
      aria-label="Lists"
      data-no-drag
      className="absolute top-3 left-3 flex items-center gap-0.5 rounded-lg border border-strong bg-raised p-0.5 shadow-(--float)"
    >
      <Tip text="Outline" keys="Ctrl ⇧ O">
        <IconButton label="Outline" onClick={() => toggleSide("outline")}>
          <ListTree size={16} />
        </IconButton>
      </Tip>
      <Tip text="Comments">
        <IconButton label={`Comments, ${open} open`} onClick={() => toggleSide("comments")} className={open > 0 ? "w-auto gap-1 px-2" : ""}>
          <MessagesSquare size={16} />
          {open > 0 && <span className="text-xs font-semibold">{open}</span>}
        </IconButton>
      </Tip>
    </div>
  );
}

/** The tools of a board. */
export default function Tools({
  engine,
  state,
  side,
  may,
}: {
  engine: Engine;
  state: BoardState;
  side: React.RefObject<HTMLElement | null>;
  may: May;
}) {
  const open = useBoardUi();
  const actions = useActions(engine);
  useKeys(actions);
  useClipboard(actions);
  return (
    <>
      {createPortal(
        <>
          <SelectionLayer actions={actions} state={state} />
          <CommentLayer engine={engine} nameOf={(id) => nameOf(engine, id)} />
        </>,
        engine.layers.overlay,
      )}
      <BoardContext actions={actions} />
      <Toolbar actions={actions} state={state} may={may} />
      {open.side && side.current && createPortal(<BoardSide actions={actions} state={state} side={open.side} />, side.current)}
      <ListButtons engine={engine} />
      <div className="absolute right-3 bottom-3 @max-[900px]:bottom-17 flex flex-col items-end gap-2">
        {open.isMapOpen && <BoardMap engine={engine} />}
        <ZoomBar engine={engine} zoom={state.zoom}>
          <Tip text="Map" keys="M" side="top">
            <IconButton label="Map" isOn={open.isMapOpen} onClick={toggleMap}>
              <MapIcon size={16} />
            </IconButton>
          </Tip>
        </ZoomBar>
      </div>
    </>
  );
}
