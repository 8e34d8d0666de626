// The words of a note: Markdown to read, a shared editor to write. What each needs is loaded when it is
// needed; until then the plain words stand there.
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import type { Channel } from "@/net/client";
import { lastWords } from "./last-words";
import type { OpenText } from "./TextEditor";

const TextEditor = lazy(() => import("./TextEditor"));
const Markdown = lazy(async () => ({ default: (await import("@/features/session/Markdown")).Markdown }));

const NOTE_BYTES = 64 * 1024;

/** The words of a note that is not written right now. */
export function NoteWords({ id, text }: { id: string; text: string }) {
  const words = lastWords.of(id, text);
  if (words === "") return <span className="text-muted">Double-click to write</span>;
  return (
    <Suspense fallback={<div className="whitespace-pre-wrap">{words}</div>}>
      <div className="note-words">
        <Markdown key={words} text={words} />
      </div>
    </Suspense>
  );
}

/** The editor of a note. Escape, or Ctrl and Enter, end the writing; every letter is saved at once. */
export function NoteEditor({
  id,
  board,
  text,
  label,
  onEnd,
}: {
  id: string;
  board: Channel;
  text: string;
  label: string;
  onEnd: () => void;
}) {
  const open = useRef<OpenText | null>(null);
  const [end] = useState(() => ({ run: onEnd }));
  useEffect(() => {
    end.run = onEnd;
  }, [end, onEnd]);
  const leave = () => {
    const dom = open.current?.editor.view.dom;
    dom?.closest<HTMLElement>("[data-id]")?.focus({ preventScroll: true });
    end.run();
    return true;
  };
  return (
    <Suspense fallback={<div className="size-full p-3 whitespace-pre-wrap">{text}</div>}>
      <TextEditor
        id={id}
        board={board}
        label={label}
        most={NOTE_BYTES}
        isFocused
        before={text}
        keys={[
          { key: "Escape", run: leave, stopPropagation: true },
          { key: "Mod-Enter", run: leave, stopPropagation: true },
        ]}
        onOpen={(now) => {
          open.current = now;
        }}
        onText={(words) => lastWords.set(id, words)}
        onBlur={() => end.run()}
        className="absolute inset-0"
      />
    </Suspense>
  );
}
