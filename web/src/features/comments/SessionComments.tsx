// Comments inside of a session: on entries of the conversation and on lines of the diff.
import { createContext, type ReactNode, useContext, useState } from "react";
import { useMay } from "@/features/rights/useMay";
import type { Channel } from "@/net/client";
import type { CommentAnchor, DiffSide } from "@/wire";
import { useThreads } from "./hooks";
import { CommentButton, InlineDraft, InlineThreads } from "./InlineThreads";
import { isAboutMessage, type Thread } from "./model";

/** Where comments of a session lie, and whose sessions can be called. */
export interface SessionPlace {
  id: string;
  board: Channel;
  session: Channel;
}

/** Given by the panel of a session; without it nothing can be commented on. */
export const SessionPlaceContext = createContext<SessionPlace | null>(null);

/** An entry of the conversation with what was said about it. */
export function CommentedMessage({ message, children }: { message: string; children: ReactNode }) {
  const place = useContext(SessionPlaceContext);
  if (!place) return children;
  return (
    <WithThreads place={place} message={message}>
      {children}
    </WithThreads>
  );
}

function WithThreads({ place, message, children }: { place: SessionPlace; message: string; children: ReactNode }) {
  const [isWriting, setWriting] = useState(false);
  const canComment = useCanComment();
  const threads = useThreads(place.session.store).filter(({ root }) => isAboutMessage(root.anchor, message));
  return (
    <div className="commented relative flex flex-col gap-2">
      {children}
      {canComment && (
        <CommentButton
          label="Comment on this entry"
          onClick={() => setWriting(true)}
          className="absolute top-1 right-1 border border-strong bg-raised"
        />
      )}
      <InlineThreads board={place.board} threads={threads} about="This entry" className="ml-4" />
      {isWriting && (
        <div className="ml-4">
          <InlineDraft board={place.board} anchor={{ kind: "message", session: place.id, message }} onEnd={() => setWriting(false)} />
        </div>
      )}
    </div>
  );
}

/** Whether oneself may comment on the session whose panel this is. */
export function useCanComment(): boolean {
  const place = useContext(SessionPlaceContext);
  return useMay(place ? place.board.ch.slice("board:".length) : null).can("comment");
}

/** The threads on the lines of one file, by side and line. */
export function useLineThreads(path: string | undefined): Map<string, Thread[]> | null {
  const place = useContext(SessionPlaceContext);
  const threads = useThreads(place?.session.store ?? null);
  if (!place || path === undefined) return null;
  const byLine = new Map<string, Thread[]>();
  for (const thread of threads) {
    const { anchor } = thread.root;
    if (anchor.kind !== "diff_line" || anchor.path !== path) continue;
    const key = lineKey(anchor.side, anchor.line);
    byLine.set(key, [...(byLine.get(key) ?? []), thread]);
  }
  return byLine;
}

/** The name of a line among those of its file. */
export function lineKey(side: DiffSide, line: number): string {
  return `${side} ${line}`;
}

/** What is said below a line of a diff, and the field to say more. */
export function LineThreads({
  path,
  side,
  line,
  threads,
  isWriting,
  onEnd,
}: {
  path: string;
  side: DiffSide;
  line: number;
  threads: readonly Thread[];
  isWriting: boolean;
  onEnd: () => void;
}) {
  const place = useContext(SessionPlaceContext);
  if (!place || (threads.length === 0 && !isWriting)) return null;
  const anchor: CommentAnchor = { kind: "diff_line", session: place.id, path, side, line };
  return (
    <div className="sticky left-0 flex w-110 max-w-[calc(100cqw-8px)] flex-col gap-2 p-2">
      <InlineThreads board={place.board} threads={threads} about={`Line ${line}`} />
      {isWriting && <InlineDraft board={place.board} anchor={anchor} onEnd={onEnd} />}
    </div>
  );
}
