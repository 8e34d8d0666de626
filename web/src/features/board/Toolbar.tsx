// The board's tools, bottom centre.
import { Hand, Maximize, Minus, MousePointer2, Plus, SquarePlus, StickyNote } from "lucide-react";
import { useEffect } from "react";
import { startCreating } from "@/app/ui-state";
import type { Engine } from "@/board/engine";
import type { BoardState } from "@/board/state";
import { IconButton } from "@/ui/Button";
import { Tip } from "@/ui/Tip";
import { isTyping, viewKey } from "./keys";

const ZOOM_STEP = 1.25;

function Line() {
  return <span aria-hidden="true" className="mx-1 h-5 w-px bg-line" />;
}

/** The toolbar; it also owns the keys that it shows. */
export function Toolbar({ engine, state, onNote }: { engine: Engine; state: BoardState; onNote: () => void }) {
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (event.key === "n" || event.key === "N") onNote();
      else if (!viewKey(event, engine)) return;
      event.preventDefault();
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, [engine, onNote]);

  return (
    <div
      role="toolbar"
      aria-label="Board tools"
      data-no-drag
      className="absolute bottom-3 left-1/2 flex -translate-x-1/2 items-center gap-0.5 rounded-xl border border-strong bg-raised p-1 shadow-(--float)"
    >
      <Tip text="Select" keys="V" side="top">
        <IconButton label="Select" isOn={state.tool === "select"} onClick={() => engine.setTool("select")}>
          <MousePointer2 size={16} />
        </IconButton>
      </Tip>
      <Tip text="Move the board" keys="H" side="top">
        <IconButton label="Move the board" isOn={state.tool === "hand"} onClick={() => engine.setTool("hand")}>
          <Hand size={16} />
        </IconButton>
      </Tip>
      <Line />
      <Tip text="New session" keys="S" side="top">
        <button
          type="button"
          onClick={startCreating}
          className="inline-flex h-8 items-center gap-1.5 rounded-md bg-ink px-3 font-medium text-on-ink hover:opacity-88"
        >
          <SquarePlus size={15} aria-hidden="true" />
          New session
        </button>
      </Tip>
      <Tip text="New note" keys="N" side="top">
        <IconButton label="New note" onClick={onNote}>
          <StickyNote size={16} />
        </IconButton>
      </Tip>
      <Line />
      <Tip text="Zoom out" keys="-" side="top">
        <IconButton label="Zoom out" onClick={() => engine.zoomBy(1 / ZOOM_STEP)}>
          <Minus size={16} />
        </IconButton>
      </Tip>
      <span className="w-9 text-center text-xs text-muted tabular-nums">{Math.round(state.zoom * 100)}%</span>
      <Tip text="Zoom in" keys="+" side="top">
        <IconButton label="Zoom in" onClick={() => engine.zoomBy(ZOOM_STEP)}>
          <Plus size={16} />
        </IconButton>
      </Tip>
      <Tip text="Show everything" keys="⇧1" side="top">
        <IconButton label="Show everything" onClick={() => engine.fit()}>
          <Maximize size={15} />
        </IconButton>
      </Tip>
    </div>
  );
}
