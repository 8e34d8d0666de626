// Threads in the middle of other content: below a message, below a line of a diff.
import { MessageSquarePlus } from "lucide-react";
import { useState } from "react";
import type { Channel } from "@/net/client";
import { IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import type { CommentAnchor } from "@/wire";
import type { Thread } from "./model";
import { CommentField, ThreadView } from "./ThreadView";

const FRAME = "flex flex-col gap-2 rounded-lg border border-strong bg-raised p-2.5 font-sans text-sm whitespace-normal";

/** The threads at one place. Resolved ones are folded into a line. */
export function InlineThreads({
  board,
  threads,
  about,
  className,
}: {
  board: Channel;
  threads: readonly Thread[];
  about: string;
  className?: string;
}) {
  const [isAll, setAll] = useState(false);
  const open = threads.filter(({ root }) => !root.is_resolved);
  const resolved = threads.length - open.length;
  const shown = isAll ? threads : open;
  if (threads.length === 0) return null;
  return (
    <div className={cx("flex flex-col gap-2", className)}>
      {shown.map((thread) => (
        <section key={thread.root.id} aria-label={`Thread: ${about}`} className={FRAME}>
          <ThreadView thread={thread} board={board} about={about} />
        </section>
      ))}
      {resolved > 0 && (
        <button
          type="button"
          aria-expanded={isAll}
          onClick={() => setAll(!isAll)}
          className="self-start rounded-sm text-xs text-muted underline"
        >
          {isAll ? "Hide what is resolved" : `${resolved} resolved`}
        </button>
      )}
    </div>
  );
}

/** A new thread in the middle of other content. */
export function InlineDraft({ board, anchor, onEnd }: { board: Channel; anchor: CommentAnchor; onEnd: () => void }) {
  return (
    <section aria-label="New comment" className={FRAME}>
      <CommentField board={board} place={{ anchor }} label="Comment" isFocused onSent={onEnd} onCancel={onEnd} />
    </section>
  );
}

/** The button that begins a thread; it shows when the pointer or the focus is near. */
export function CommentButton({ label, onClick, className }: { label: string; onClick: () => void; className?: string }) {
  return (
    <IconButton label={label} onClick={onClick} className={cx("comment-button size-6", className)}>
      <MessageSquarePlus size={14} />
    </IconButton>
  );
}
