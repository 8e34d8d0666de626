// Arrows, images and documents near enough to read. Their place and size are the engine's affair.
import { FileText } from "lucide-react";
import { memo } from "react";
import { useObject } from "@/app/live";
import type { Engine } from "@/board/engine";
import { cardOf, markOf } from "@/board/items";
import { imageUrl } from "@/net/api";
import { cx } from "@/ui/cx";
import { ItemFrame } from "./ItemFrame";
import { LineEditor } from "./LineEditor";
import { LockMark } from "./Marks";
import { type ItemProps, type MarkProps, useAttach, useMark } from "./mark";

/** What an object is called: its title, its words, or its kind. */
export function nameOf(engine: Engine, id: string): string {
  const object = engine.channel.store.get(id);
  if (!object) return "something";
  if (object.kind === "session") return cardOf(object).title;
  const { text, title } = markOf(object);
  const words = (title || text).split("\n", 1)[0]?.trim().slice(0, 60);
  return words || object.kind;
}

/** The handle in the middle of an arrow: it bears the label, and is what keyboard and pointer take hold of. */
export const ArrowItem = memo(function ArrowItem({ engine, id, isSelected, isTabStop, isEditing, actions }: MarkProps) {
  const mark = useMark(engine, id);
  const ref = useAttach(engine, id);
  const link = engine.contents.links.get(id);
  useObject(engine.channel.store, link?.from ?? "");
  useObject(engine.channel.store, link?.to ?? "");
  if (!mark || !link) return null;
  const words = `from ${nameOf(engine, link.from)} to ${nameOf(engine, link.to)}`;
  const hasLabel = mark.text !== "" || isEditing;
  return (
    <div ref={ref} className="board-item pointer-events-none flex items-center justify-center">
      <ItemFrame
        engine={engine}
        id={id}
        kind="arrow"
        label={`Arrow ${words}${mark.text ? `: ${mark.text}` : ""}`}
        isTabStop={isTabStop}
        isHandle
        onWrite={() => actions.onEdit(id)}
        className={cx(
          "pointer-events-auto flex max-w-full items-center justify-center rounded-full text-xs select-none",
          hasLabel ? "border border-strong bg-surface px-2 leading-5" : "size-6",
          isSelected && "outline-2 outline-focus",
        )}
      >
        {isEditing ? (
          <LineEditor
            label="Label of the arrow"
            text={mark.text}
            className="w-30 min-w-30! text-center"
            onDone={(text) => actions.onText(id, text)}
            onEnd={() => actions.onEdit(null)}
          />
        ) : (
          <span className="truncate">{mark.text}</span>
        )}
      </ItemFrame>
    </div>
  );
});

/** An image. What it shows, for those who cannot see it, is its text. */
export const ImageItem = memo(function ImageItem({ engine, id, isSelected, isTabStop }: ItemProps) {
  const mark = useMark(engine, id);
  const ref = useAttach(engine, id);
  if (!mark) return null;
  return (
    <ItemFrame
      ref={ref}
      engine={engine}
      id={id}
      kind="image"
      label={`Image: ${mark.text.slice(0, 80) || "without description"}`}
      isTabStop={isTabStop}
      isSelected={isSelected}
      className="board-item overflow-hidden rounded-md bg-sunken select-none"
    >
      {mark.image && (
        <img
          src={imageUrl(engine.channel.ch.slice("board:".length), mark.image)}
          alt={mark.text}
          draggable={false}
          loading="lazy"
          decoding="async"
          className="size-full object-fill"
        />
      )}
      {mark.is_locked && <LockMark />}
    </ItemFrame>
  );
});

/** A document: its title and how it begins; it opens in the panel. */
export const DocumentItem = memo(function DocumentItem({ engine, id, isSelected, isTabStop }: ItemProps) {
  const mark = useMark(engine, id);
  const ref = useAttach(engine, id);
  if (!mark) return null;
  const lines = mark.text.split("\n").filter((line) => line.trim() !== "");
  return (
    <ItemFrame
      ref={ref}
      engine={engine}
      id={id}
      kind="document"
      label={`Document: ${mark.title || "Untitled"}`}
      isTabStop={isTabStop}
      isSelected={isSelected}
      className="board-item flex cursor-default flex-col overflow-hidden rounded-lg border border-strong bg-surface px-3 py-2.5 select-none"
      style={{ borderTop: `4px solid var(--mark-line-${mark.color})` }}
    >
      <div className="flex items-center gap-2">
        <FileText size={15} aria-hidden="true" className="shrink-0 text-muted" />
        <span className="truncate text-base leading-5 font-semibold">{mark.title || "Untitled"}</span>
      </div>
      <div className="mt-1 min-h-0 flex-1 overflow-hidden text-xs break-words whitespace-pre-wrap text-muted">
        {lines
          .slice(0, 12)
          .map((line) => line.replace(/^#+\s*/, ""))
          .join("\n") || "Nothing written yet"}
      </div>
      {mark.is_locked && <LockMark />}
    </ItemFrame>
  );
});
