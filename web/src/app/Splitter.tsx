// The line between board and panel; drag it, or move it with the arrow keys.
import { PANEL_MAX, PANEL_MIN, setPanelWidth, useUi } from "./ui-state";

const STEP = 24;

/** The splitter. */
export function Splitter() {
  const width = useUi((state) => state.panelWidth);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a splitter is a separator that can be moved, no rule
    <div
      role="separator"
      aria-label="Width of the panel"
      aria-orientation="vertical"
      aria-valuemin={PANEL_MIN}
      aria-valuemax={PANEL_MAX}
      aria-valuenow={width}
      tabIndex={0}
      onKeyDown={(event) => {
        if (event.key === "ArrowLeft") setPanelWidth(width + STEP);
        else if (event.key === "ArrowRight") setPanelWidth(width - STEP);
        else return;
        event.preventDefault();
      }}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) setPanelWidth(innerWidth - event.clientX);
      }}
      className="relative z-10 -mr-px w-px shrink-0 cursor-col-resize touch-none bg-line after:absolute after:inset-y-0 after:-left-1.5 after:w-3 hover:bg-focus focus-visible:bg-focus"
    />
  );
}
