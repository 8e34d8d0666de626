// Writing the text of a document: kept while one writes, and when one leaves.
import { useCallback, useEffect, useRef, useState } from "react";
import { client } from "@/app/live";
import type { Channel } from "@/net/client";

const TEXT_MAX = 200_000;
/** What is written is sent after a pause of this length. */
const PAUSE_MS = 800;

/** The field. Escape ends the writing; what was written stays. */
export function DocumentText({ board, id, text, onEnd }: { board: Channel; id: string; text: string; onEnd: () => void }) {
  const [words, setWords] = useState(text);
  const sent = useRef(text);
  const newest = useRef(words);
  newest.current = words;
  const save = useCallback(() => {
    if (newest.current === sent.current) return;
    sent.current = newest.current;
    client.mutate(board, [{ op: "set", id, k: "text", v: newest.current }]);
  }, [board, id]);
  useEffect(() => {
    if (words === sent.current) return;
    const timer = setTimeout(save, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [words, save]);
  useEffect(() => save, [save]);
  return (
    <textarea
      // biome-ignore lint/a11y/noAutofocus: the field replaces the text that one wanted to change
      autoFocus
      aria-label="Text of the document"
      value={words}
      maxLength={TEXT_MAX}
      placeholder="Markdown: # headings, - lists, `code`"
      onChange={(event) => setWords(event.target.value)}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        event.preventDefault();
        onEnd();
      }}
      className="mx-auto min-h-0 w-full max-w-190 flex-1 resize-none bg-surface p-5 text-base leading-6 outline-none"
    />
  );
}
