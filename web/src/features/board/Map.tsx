// The map of the board, bottom right: where everything lies, where one looks, where the others are.
import { useEffect, useRef } from "react";
import { useUi } from "@/app/ui-state";
import type { Engine } from "@/board/engine";
import { Minimap } from "@/board/minimap";

const WIDTH = 208;
const HEIGHT = 140;

/** The map; a press or a drag on it looks there. Keys for the same: Shift+1, Shift+2, arrows. */
export function BoardMap({ engine }: { engine: Engine }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const map = useRef<Minimap | null>(null);
  const theme = useUi((state) => state.themeVersion);
  useEffect(() => {
    if (!canvas.current) return;
    const made = new Minimap(engine, canvas.current, WIDTH, HEIGHT);
    map.current = made;
    return engine.onFrame(() => made.draw(theme));
  }, [engine, theme]);
  const look = (event: React.PointerEvent<HTMLCanvasElement>) => {
    if (event.buttons !== 1 || !map.current) return;
    const box = event.currentTarget.getBoundingClientRect();
    const [x, y] = map.current.boardAt(event.clientX - box.left, event.clientY - box.top);
    const { z } = engine.view;
    engine.look({ x: engine.width / 2 - x * z, y: engine.height / 2 - y * z, z });
  };
  return (
    <div role="img" aria-label="Map of the board" className="overflow-hidden rounded-lg border border-strong bg-raised shadow-(--float)">
      <canvas
        ref={canvas}
        data-no-drag
        style={{ width: WIDTH, height: HEIGHT }}
        className="block cursor-pointer touch-none"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          look(event);
        }}
        onPointerMove={look}
      />
    </div>
  );
}
