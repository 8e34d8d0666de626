// The frame of everything that lies on the board besides cards: what pointer, keyboard and screen readers
// take hold of. Place and size are the engine's affair, what is in it is the kind's.
import type { CSSProperties, ReactNode, Ref } from "react";
import type { Engine } from "@/board/engine";

/** The frame. A zone and an arrow have it around their handle only, so that the rest of them stays board. */
export function ItemFrame({
  engine,
  id,
  kind,
  label,
  isTabStop,
  isSelected = false,
  isHandle = false,
  onWrite,
  ref,
  className,
  style,
  children,
}: {
  engine: Engine;
  id: string;
  /** What it is, in a word. */
  kind: string;
  label: string;
  isTabStop: boolean;
  isSelected?: boolean;
  /** Whether it is a part of the element that the engine places. */
  isHandle?: boolean;
  /** Begins writing, for what has words. */
  onWrite?: () => void;
  ref?: Ref<HTMLDivElement>;
  className: string;
  style?: CSSProperties | undefined;
  children: ReactNode;
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: an object on the board is a group, no form's fieldset
    <div
      ref={ref}
      role="group"
      aria-roledescription={kind}
      aria-label={label}
      tabIndex={isTabStop ? 0 : -1}
      data-id={id}
      data-focus={isHandle ? "" : undefined}
      data-selected={isSelected || undefined}
      onFocus={(event) => event.target === event.currentTarget && engine.focus(id)}
      onDoubleClick={onWrite}
      className={className}
      style={style}
    >
      {children}
    </div>
  );
}
