// A document in the panel: its title, its text as Markdown, and writing it.
import { Pencil, Trash2, X } from "lucide-react";
import { useState } from "react";
import { client, useObject, useUsers } from "@/app/live";
import { openSession } from "@/app/router";
import { markOf } from "@/board/items";
import { lastWords } from "@/doc/last-words";
import { useMay } from "@/features/rights/useMay";
import { Markdown } from "@/features/session/Markdown";
import type { Channel } from "@/net/client";
import { Button, IconButton } from "@/ui/Button";
import { Nothing } from "@/ui/states";
import { Tip } from "@/ui/Tip";
import type { BoardMark } from "@/wire";
import { DocumentText } from "./DocumentText";

const TITLE_MAX = 200;

function Title({ board, id, mark, canWrite }: { board: Channel; id: string; mark: BoardMark; canWrite: boolean }) {
  const [draft, setDraft] = useState<string | null>(null);
  const save = () => {
    const title = draft?.trim();
    if (title && title !== mark.title) client.mutate(board, [{ op: "set", id, k: "title", v: title }]);
    setDraft(null);
  };
  return (
    <input
      aria-label="Title of the document"
      value={draft ?? mark.title ?? ""}
      readOnly={!canWrite}
      maxLength={TITLE_MAX}
      placeholder="Untitled"
      onChange={(event) => setDraft(event.target.value)}
      onBlur={save}
      onKeyDown={(event) => {
        if (event.key === "Escape") setDraft(null);
        if (event.key !== "Escape" && event.key !== "Enter") return;
        event.stopPropagation();
        event.preventDefault();
        event.currentTarget.blur();
      }}
      className="-mx-1 h-8 min-w-0 flex-1 truncate rounded-md bg-transparent px-1 text-lg font-semibold hover:bg-fg/7"
    />
  );
}

/** The panel. */
export default function DocumentPanel({ id, board }: { id: string; board: Channel }) {
  const object = useObject(board.store, id);
  const userOf = useUsers();
  const may = useMay(board.ch.slice("board:".length));
  const canWrite = may.can("prompt");
  const [wantsWriting, setWriting] = useState(() => object !== undefined && markOf(object).text === "");
  const isWriting = wantsWriting && canWrite;
  if (object?.kind !== "document") {
    if (!board.store.isLoaded) return <div className="skeleton m-4 h-24" />;
    return (
      <Nothing title="This document is not there any more">
        <Button className="mt-3" onClick={() => openSession(null)}>
          Back to the board
        </Button>
      </Nothing>
    );
  }
  const mark = markOf(object);
  const words = isWriting ? mark.text : lastWords.of(id, mark.text);
  const author = userOf(mark.created_by);
  const remove = () => {
    client.mutate(board, [{ op: "del", id }]);
    openSession(null);
  };
  return (
    <section aria-label="Document" tabIndex={-1} className="flex h-full flex-col bg-board outline-none">
      <header className="flex shrink-0 items-center gap-1 border-b bg-surface px-4 py-2">
        <Title board={board} id={id} mark={mark} canWrite={canWrite} />
        {author && <span className="shrink-0 text-xs text-muted">by {author.name}</span>}
        {canWrite && (
          <Tip text={isWriting ? "Read" : "Write"}>
            <IconButton
              label={isWriting ? "Read the document" : "Write the document"}
              isOn={isWriting}
              onClick={() => setWriting(!isWriting)}
            >
              <Pencil size={15} />
            </IconButton>
          </Tip>
        )}
        {canWrite && !mark.is_locked && (
          <Tip text="Delete">
            <IconButton label="Delete the document" onClick={remove}>
              <Trash2 size={15} />
            </IconButton>
          </Tip>
        )}
        <IconButton label="Close the document" onClick={() => openSession(null)}>
          <X size={16} />
        </IconButton>
      </header>
      {isWriting ? (
        <DocumentText board={board} id={id} text={mark.text} onEnd={() => setWriting(false)} />
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <div role="document" aria-label="Text of the document" tabIndex={0} className="min-h-0 flex-1 overflow-y-auto p-5">
          {words ? (
            <div className="mx-auto max-w-180 text-base">
              <Markdown key={words} text={words} />
            </div>
          ) : (
            <Nothing title="Nothing written yet">
              {canWrite ? (
                <Button className="mt-3" onClick={() => setWriting(true)}>
                  Write
                </Button>
              ) : (
                may.why("prompt")
              )}
            </Nothing>
          )}
        </div>
      )}
    </section>
  );
}
