// Notes, texts and zones near enough to read. Their place and size are the engine's affair.
import { Lock } from "lucide-react";
import { memo } from "react";
import { NoteEditor, NoteWords } from "@/doc/NoteText";
import { ItemFrame } from "./ItemFrame";
import { LineEditor } from "./LineEditor";
import { type MarkProps, useAttach, useMark } from "./mark";

/** What a mark can do to itself. */
export interface MarkActions {
  onEdit: (id: string | null) => void;
  /** Sets the words; with a height, the object becomes at least that high. */
  onText: (id: string, text: string, height?: number) => void;
}

/** Says that an object is fixed. */
export function LockMark() {
  return <Lock size={12} aria-hidden="true" className="absolute top-2 right-2 text-muted" />;
}

/** A sticky note. */
export const NoteItem = memo(function NoteItem({ engine, id, isSelected, isTabStop, isEditing, actions }: MarkProps) {
  const mark = useMark(engine, id);
  const ref = useAttach(engine, id);
  if (!mark) return null;
  return (
    <ItemFrame
      ref={ref}
      engine={engine}
      id={id}
      kind="note"
      label={`Note: ${mark.text.slice(0, 80) || "empty"}`}
      isTabStop={isTabStop}
      isSelected={isSelected}
      onWrite={() => actions.onEdit(id)}
      className="board-item rounded-lg border select-none"
      style={{ background: `var(--mark-${mark.color})`, borderColor: `var(--mark-line-${mark.color})` }}
    >
      {isEditing ? (
        <NoteEditor id={id} board={engine.channel} text={mark.text} label="Words of the note" onEnd={() => actions.onEdit(null)} />
      ) : (
        <div className="size-full overflow-hidden p-3 break-words">
          <NoteWords id={id} text={mark.text} />
        </div>
      )}
      {mark.is_locked && <LockMark />}
    </ItemFrame>
  );
});

/** Words on the board, without a frame. */
export const TextItem = memo(function TextItem({ engine, id, isSelected, isTabStop, isEditing, actions }: MarkProps) {
  const mark = useMark(engine, id);
  const ref = useAttach(engine, id);
  if (!mark) return null;
  return (
    <ItemFrame
      ref={ref}
      engine={engine}
      id={id}
      kind="text"
      label={`Text: ${mark.text.slice(0, 80) || "empty"}`}
      isTabStop={isTabStop}
      isSelected={isSelected}
      onWrite={() => actions.onEdit(id)}
      className="board-item rounded-sm px-1 text-[20px] leading-7 font-semibold select-none"
      style={{ color: mark.color === "neutral" ? undefined : `var(--mark-ink-${mark.color})` }}
    >
      {isEditing ? (
        <LineEditor
          label="Words of the text"
          text={mark.text}
          isLong
          onDone={(text, height) => actions.onText(id, text, height)}
          onEnd={() => actions.onEdit(null)}
        />
      ) : (
        <div className="size-full overflow-hidden break-words whitespace-pre-wrap">
          {mark.text || <span className="text-muted">Double-click to write</span>}
        </div>
      )}
    </ItemFrame>
  );
});

/** A zone: a named area behind the cards. Only its name can be grasped, so that its inside stays board. */
export const ZoneItem = memo(function ZoneItem({ engine, id, isSelected, isTabStop, isEditing, actions }: MarkProps) {
  const mark = useMark(engine, id);
  const ref = useAttach(engine, id);
  if (!mark) return null;
  return (
    <div
      ref={ref}
      className="board-item board-zone pointer-events-none rounded-xl border"
      data-selected={isSelected || undefined}
      style={{
        background: `color-mix(in srgb, var(--mark-${mark.color}) 45%, transparent)`,
        borderColor: `var(--mark-line-${mark.color})`,
      }}
    >
      <ItemFrame
        engine={engine}
        id={id}
        kind="zone"
        label={`Zone: ${mark.text.slice(0, 80) || "without a name"}`}
        isTabStop={isTabStop}
        isHandle
        onWrite={() => actions.onEdit(id)}
        className="pointer-events-auto absolute bottom-full left-0 mb-1 flex h-6 max-w-full origin-bottom-left cursor-move items-center gap-1 rounded-md px-1 text-sm font-semibold text-muted select-none"
        style={{ transform: "scale(var(--label-scale, 1))" }}
      >
        {isEditing ? (
          <LineEditor
            label="Name of the zone"
            text={mark.text}
            onDone={(text) => actions.onText(id, text)}
            onEnd={() => actions.onEdit(null)}
          />
        ) : (
          <span className="truncate">{mark.text || "Zone"}</span>
        )}
        {mark.is_locked && <Lock size={12} aria-hidden="true" className="shrink-0" />}
      </ItemFrame>
    </div>
  );
});
