// Notes, texts and zones near enough to read. Their place is the engine's affair.
import { Trash2 } from "lucide-react";
import { memo, useCallback } from "react";
import { useObject } from "@/app/live";
import { markOf } from "@/board/items";
import { NoteEditor, NoteWords } from "@/doc/NoteText";
import { IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import type { BoardMark, ObjectColor } from "@/wire";
import type { ItemProps } from "./SessionCard";

const COLORS: readonly ObjectColor[] = ["neutral", "amber", "green", "blue", "violet", "rose"];

/** What a mark can do to itself. */
export interface MarkActions {
  editing: string | null;
  onEdit: (id: string | null) => void;
  onColor: (id: string, color: ObjectColor) => void;
  onDelete: (id: string) => void;
}

function useMark(engine: ItemProps["engine"], id: string): BoardMark | null {
  const object = useObject(engine.channel.store, id);
  return object ? markOf(object) : null;
}

function useAttach(engine: ItemProps["engine"], id: string) {
  return useCallback((element: HTMLElement | null) => (element ? engine.attach(id, element) : undefined), [engine, id]);
}

/** Colours and deletion of the one selected note. */
function MarkTools({ mark, id, actions }: { mark: BoardMark; id: string; actions: MarkActions }) {
  return (
    <div
      role="toolbar"
      aria-label="Note"
      data-no-drag
      className="absolute -top-11 left-0 flex items-center gap-0.5 rounded-lg border border-strong bg-raised p-0.5"
    >
      {COLORS.map((color) => (
        <button
          key={color}
          type="button"
          aria-label={`Colour ${color}`}
          aria-pressed={mark.color === color}
          onClick={() => actions.onColor(id, color)}
          className="flex size-7 items-center justify-center rounded-md hover:bg-fg/7"
        >
          <span
            className={cx("size-4 rounded-full border", mark.color === color && "ring-2 ring-focus")}
            style={{ background: `var(--mark-${color})`, borderColor: `var(--mark-line-${color})` }}
          />
        </button>
      ))}
      <IconButton label="Delete note" onClick={() => actions.onDelete(id)} className="size-7">
        <Trash2 size={14} />
      </IconButton>
    </div>
  );
}

/** A sticky note. */
export const NoteItem = memo(function NoteItem({
  engine,
  id,
  isSelected,
  isTabStop,
  isAlone,
  actions,
}: ItemProps & { isAlone: boolean; actions: MarkActions }) {
  const mark = useMark(engine, id);
  const ref = useAttach(engine, id);
  const item = engine.items.get(id);
  if (!mark || !item) return null;
  const isEditing = actions.editing === id;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a note on the board is a group, no form's fieldset
    <div
      ref={ref}
      role="group"
      aria-roledescription="note"
      aria-label={`Note: ${mark.text.slice(0, 80) || "empty"}`}
      tabIndex={isTabStop ? 0 : -1}
      data-id={id}
      data-selected={isSelected || undefined}
      onFocus={(event) => event.target === event.currentTarget && engine.focus(id)}
      onDoubleClick={() => actions.onEdit(id)}
      className="board-item rounded-lg border select-none"
      style={{
        width: item.rect.w,
        height: item.rect.h,
        background: `var(--mark-${mark.color})`,
        borderColor: `var(--mark-line-${mark.color})`,
      }}
    >
      {isSelected && isAlone && <MarkTools mark={mark} id={id} actions={actions} />}
      {isEditing ? (
        <NoteEditor id={id} board={engine.channel} text={mark.text} label="Words of the note" onEnd={() => actions.onEdit(null)} />
      ) : (
        <div className="size-full overflow-hidden p-3 break-words">
          <NoteWords id={id} text={mark.text} />
        </div>
      )}
    </div>
  );
});

/** Words on the board, without a frame. */
export const TextItem = memo(function TextItem({ engine, id, isSelected, isTabStop }: ItemProps) {
  const mark = useMark(engine, id);
  const ref = useAttach(engine, id);
  const item = engine.items.get(id);
  if (!mark || !item) return null;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a text on the board is a group, no form's fieldset
    <div
      ref={ref}
      role="group"
      aria-roledescription="text"
      aria-label={mark.text.slice(0, 80)}
      tabIndex={isTabStop ? 0 : -1}
      data-id={id}
      data-selected={isSelected || undefined}
      onFocus={() => engine.focus(id)}
      className="board-item rounded-sm px-1 text-[20px] leading-7 font-semibold select-none"
      style={{ width: item.rect.w, minHeight: item.rect.h }}
    >
      {mark.text}
    </div>
  );
});

/** A zone: a named area behind the cards. Only its name can be grasped, so that its inside stays board. */
export const ZoneItem = memo(function ZoneItem({ engine, id, isSelected }: ItemProps) {
  const mark = useMark(engine, id);
  const ref = useAttach(engine, id);
  const item = engine.items.get(id);
  if (!mark || !item) return null;
  return (
    <div
      ref={ref}
      className="board-item pointer-events-none rounded-xl border"
      data-selected={isSelected || undefined}
      style={{
        width: item.rect.w,
        height: item.rect.h,
        background: `color-mix(in srgb, var(--mark-${mark.color}) 45%, transparent)`,
        borderColor: `var(--mark-line-${mark.color})`,
      }}
    >
      <div
        data-id={id}
        className="pointer-events-auto absolute bottom-full left-0 max-w-full origin-bottom-left cursor-move truncate px-1 pb-1 text-sm font-semibold text-muted select-none"
        style={{ transform: "scale(var(--label-scale, 1))" }}
      >
        {mark.text || "Zone"}
      </div>
    </div>
  );
});
