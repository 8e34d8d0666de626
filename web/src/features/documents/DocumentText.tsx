// Writing the text of a document, together with whoever else does: every letter is saved at once.
import { lazy, Suspense } from "react";
import { lastWords } from "@/doc/last-words";
import type { Channel } from "@/net/client";

const TextEditor = lazy(() => import("@/doc/TextEditor"));

const DOCUMENT_BYTES = 256 * 1024;

/** The field. Escape ends the writing; what was written stays. */
export function DocumentText({ board, id, text, onEnd }: { board: Channel; id: string; text: string; onEnd: () => void }) {
  return (
    <Suspense fallback={<div className="mx-auto w-full max-w-190 flex-1 p-5 text-base whitespace-pre-wrap">{text}</div>}>
      <div className="relative mx-auto flex min-h-0 w-full max-w-190 flex-1 bg-surface">
        <TextEditor
          id={id}
          board={board}
          label="Text of the document"
          placeholder="Markdown: # headings, - lists, `code`"
          most={DOCUMENT_BYTES}
          isFocused
          before={text}
          keys={[
            {
              key: "Escape",
              run: () => {
                onEnd();
                return true;
              },
              stopPropagation: true,
            },
          ]}
          onText={(words) => lastWords.set(id, words)}
          className="document-text min-h-0 min-w-0 flex-1 overflow-y-auto p-5 text-base leading-6"
        />
      </div>
    </Suspense>
  );
}
