// All threads of a board as a list, the resolved ones too.
import { useState } from "react";
import { useUsers } from "@/app/live";
import type { Engine } from "@/board/engine";
import { Avatar } from "@/features/people/Avatar";
import { cx } from "@/ui/cx";
import { ago } from "@/ui/format";
import { Nothing } from "@/ui/states";
import { aboutWords } from "./CommentLayer";
import { useThreads } from "./hooks";
import { ThreadView } from "./ThreadView";
import { showThread, useCommentUi } from "./ui-state";

const NOBODY = { name: "Somebody", emoji: "", slot: 11 };

/** The list. A thread opens at its pin; what has no pin any more opens here. */
export function CommentList({ engine, nameOf }: { engine: Engine; nameOf: (id: string) => string }) {
  const threads = useThreads(engine.channel.store);
  const userOf = useUsers();
  const [isAll, setAll] = useState(false);
  const { open } = useCommentUi();
  const shown = threads.filter(({ root }) => isAll || !root.is_resolved);
  const resolved = threads.filter(({ root }) => root.is_resolved).length;
  return (
    <div className="flex flex-col gap-1 p-2">
      {shown.length === 0 && <Nothing title={resolved > 0 ? "All comments are resolved" : "No comments yet"} />}
      {shown.toReversed().map((thread) => {
        const { root, replies } = thread;
        const { anchor } = root;
        const isOrphan = anchor.kind === "object" && !engine.items.has(anchor.object);
        const author = userOf(root.created_by) ?? NOBODY;
        const show = () => {
          showThread(root.id);
          if (anchor.kind === "object") engine.reveal(anchor.object);
          else if (anchor.kind === "point") engine.reveal(anchor.pos);
        };
        return (
          <div key={root.id} className={cx("rounded-lg", open === root.id && "bg-fg/7")}>
            <button type="button" onClick={show} className="flex w-full gap-2 rounded-lg p-2 text-left hover:bg-fg/7">
              <Avatar person={author} size={22} />
              <span className="min-w-0 flex-1">
                <span className="flex gap-2 text-xs text-muted">
                  <span className="truncate font-semibold text-fg">{author.name}</span>
                  <span className="shrink-0">{ago(root.created_at_ms)}</span>
                </span>
                <span className="line-clamp-2 break-words">{root.text}</span>
                <span className="block truncate text-xs text-muted">
                  {isOrphan ? "On something that was removed" : aboutWords(nameOf, anchor)}
                  {replies.length > 0 && ` · ${replies.length === 1 ? "1 reply" : `${replies.length} replies`}`}
                  {root.is_resolved && " · resolved"}
                </span>
              </span>
            </button>
            {isOrphan && open === root.id && (
              <div className="flex flex-col gap-2 p-2">
                <ThreadView thread={thread} board={engine.channel} about="On something that was removed" />
              </div>
            )}
          </div>
        );
      })}
      {resolved > 0 && (
        <button
          type="button"
          aria-pressed={isAll}
          onClick={() => setAll(!isAll)}
          className="self-center rounded-sm py-2 text-xs text-muted underline"
        >
          {isAll ? "Hide what is resolved" : `Show ${resolved} resolved`}
        </button>
      )}
    </div>
  );
}
