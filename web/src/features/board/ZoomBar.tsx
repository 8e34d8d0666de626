// How much of the board is seen, bottom right.
import { Maximize, Minus, Plus } from "lucide-react";
import type { Engine } from "@/board/engine";
import { IconButton } from "@/ui/Button";
import { Tip } from "@/ui/Tip";

const ZOOM_STEP = 1.25;

/** Zoom and fit. */
export function ZoomBar({ engine, zoom, children }: { engine: Engine; zoom: number; children?: React.ReactNode }) {
  return (
    <div
      role="toolbar"
      aria-label="View"
      data-no-drag
      className="flex items-center gap-0.5 rounded-lg border border-strong bg-raised p-0.5 shadow-(--float)"
    >
      {children}
      <Tip text="Zoom out" keys="-" side="top">
        <IconButton label="Zoom out" onClick={() => engine.zoomBy(1 / ZOOM_STEP)}>
          <Minus size={16} />
        </IconButton>
      </Tip>
      <Tip text="Natural size" keys="⇧0" side="top">
        <button
          type="button"
          aria-label={`Natural size, now ${Math.round(zoom * 100)} %`}
          onClick={() => engine.zoomBy(1 / engine.view.z)}
          className="h-8 w-11 rounded-md text-xs text-muted tabular-nums hover:bg-fg/7"
        >
          {Math.round(zoom * 100)}%
        </button>
      </Tip>
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
