// One thread: what was said, and the field to answer. Where it is shown is the caller's affair.
import { Check, CornerDownLeft, Ellipsis, Pencil, RotateCcw, Trash2, X } from "lucide-react";
import { useMemo, useState } from "react";
import { client, useUsers } from "@/app/live";
import { cardOf } from "@/board/items";
import { Avatar } from "@/features/people/Avatar";
import { useMay } from "@/features/rights/useMay";
import { Markdown } from "@/features/session/Markdown";
import { api } from "@/net/api";
import type { Channel } from "@/net/client";
import { Button, IconButton } from "@/ui/Button";
import { ago, time } from "@/ui/format";
import { Menu, MenuItem } from "@/ui/Menu";
import { Tip } from "@/ui/Tip";
import { toastDone, toastProblem } from "@/ui/toasts";
import type { Comment } from "@/wire";
import { type CommentPlace, usePatch, usePeople, useRemove, useSend } from "./hooks";
import { type Callee, MentionField } from "./MentionField";
import { mentioned, type Thread, withCalls } from "./model";

const NOBODY = { name: "Somebody", emoji: "", slot: 11 };

/** Those who can be called: people, and the sessions of the board. */
function useCallees(board: Channel): readonly Callee[] {
  const people = usePeople();
  return useMemo(() => {
    const sessions = [...board.store.entries()].flatMap(([id, object]) =>
      object.kind === "session" && cardOf(object).state !== "archived"
        ? [{ id, name: cardOf(object).title, kind: "session" as const }]
        : [],
    );
    return [...people.map(({ id, name }) => ({ id, name, kind: "person" as const })), ...sessions];
  }, [people, board]);
}

/** Offers to give a comment that calls a session to that session: never without being asked. */
function PromptOffer({ callee, text, onDone }: { callee: Callee; text: string; onDone: () => void }) {
  const send = async () => {
    try {
      await api.sessions.prompt(callee.id, { text });
      toastDone(`Sent to “${callee.name}” as a prompt`);
    } catch (error) {
      toastProblem(error);
    }
    onDone();
  };
  return (
    <div role="status" className="flex flex-wrap items-center gap-2 rounded-md border border-strong bg-sunken p-2 text-xs">
      <span className="min-w-0 flex-1">
        Give this to <strong>{callee.name}</strong> as a prompt?
      </span>
      <Button className="h-7" onClick={onDone}>
        No
      </Button>
      <Button variant="primary" className="h-7" onClick={() => void send()}>
        Send prompt
      </Button>
    </div>
  );
}

/** The field for a new comment. */
export function CommentField({
  board,
  place,
  label,
  isFocused = false,
  onSent,
  onCancel,
}: {
  board: Channel;
  place: CommentPlace;
  label: string;
  isFocused?: boolean;
  onSent?: (id: string) => void;
  onCancel: () => void;
}) {
  const [text, setText] = useState("");
  const [offer, setOffer] = useState<{ callee: Callee; text: string } | null>(null);
  const callees = useCallees(board);
  const send = useSend((id) => {
    const called = callees.find((it) => it.kind === "session" && text.includes(`@${it.name}`));
    if (called) setOffer({ callee: called, text: text.replaceAll(`@${called.name}`, "").trim() });
    setText("");
    onSent?.(id);
  });
  const submit = () => {
    const words = text.trim();
    const people = callees.filter(({ kind }) => kind === "person");
    if (words && !send.isPending) send.mutate({ place, text: words, mentions: mentioned(words, people) });
  };
  return (
    <div className="flex flex-col gap-2">
      {offer && <PromptOffer {...offer} onDone={() => setOffer(null)} />}
      <div className="flex items-end gap-1">
        <MentionField
          label={label}
          placeholder={`${label}, @ calls somebody`}
          value={text}
          callees={callees}
          isFocused={isFocused}
          onChange={setText}
          onSend={submit}
          onCancel={onCancel}
        />
        <Tip text="Send" keys="Enter" side="top">
          <IconButton label="Send the comment" disabled={!text.trim() || send.isPending} onClick={submit}>
            <CornerDownLeft size={15} />
          </IconButton>
        </Tip>
      </div>
    </div>
  );
}

function CommentEdit({ comment, board, onEnd }: { comment: Comment; board: Channel; onEnd: () => void }) {
  const [text, setText] = useState(comment.text);
  const callees = useCallees(board);
  const patch = usePatch();
  const save = () => {
    const people = callees.filter(({ kind }) => kind === "person");
    const words = text.trim();
    if (words && words !== comment.text) patch.mutate({ id: comment.id, text: words, mentions: mentioned(words, people) });
    onEnd();
  };
  return (
    <MentionField
      label="Change the comment"
      placeholder=""
      value={text}
      callees={callees}
      isFocused
      onChange={setText}
      onSend={save}
      onCancel={onEnd}
    />
  );
}

function CommentView({ comment, board, canComment }: { comment: Comment; board: Channel; canComment: boolean }) {
  const userOf = useUsers();
  const author = userOf(comment.created_by);
  const [isEditing, setEditing] = useState(false);
  const remove = useRemove();
  const isMine = client.connection.user === comment.created_by;
  const names = comment.mentions.flatMap((id) => userOf(id)?.name ?? []);
  return (
    <article aria-label={`Comment by ${author?.name ?? "somebody"}`} className="flex gap-2">
      <Avatar person={author ?? NOBODY} size={22} />
      <div className="min-w-0 flex-1">
        <header className="flex h-6 items-center gap-2 text-xs">
          <span className="truncate font-semibold">{author?.name ?? NOBODY.name}</span>
          <time title={time(comment.created_at_ms)} className="shrink-0 text-muted">
            {ago(comment.created_at_ms)}
            {comment.edited_at_ms && ", edited"}
          </time>
          <span className="flex-1" />
          {isMine && canComment && !isEditing && (
            <Menu
              trigger={
                <IconButton label="More about this comment" className="size-6">
                  <Ellipsis size={14} />
                </IconButton>
              }
            >
              <MenuItem icon={<Pencil size={14} />} onSelect={() => setEditing(true)}>
                Edit
              </MenuItem>
              <MenuItem icon={<Trash2 size={14} />} isDanger onSelect={() => remove.mutate(comment.id)}>
                Delete
              </MenuItem>
            </Menu>
          )}
        </header>
        {isEditing ? (
          <CommentEdit comment={comment} board={board} onEnd={() => setEditing(false)} />
        ) : (
          <Markdown text={withCalls(comment.text, names)} />
        )}
      </div>
    </article>
  );
}

/** A thread with its head: what it is about, resolving, closing. */
export function ThreadView({
  thread,
  board,
  about,
  isFocused = false,
  onClose,
}: {
  thread: Thread;
  board: Channel;
  about: string;
  isFocused?: boolean;
  onClose?: () => void;
}) {
  const patch = usePatch();
  const { root, replies } = thread;
  const may = useMay(board.ch.slice("board:".length));
  const canComment = may.can("comment");
  const word = root.is_resolved ? "Open again" : "Resolve";
  return (
    <>
      <header className="flex items-center gap-1 text-xs text-muted">
        <span className="min-w-0 flex-1 truncate">{about}</span>
        {canComment && (
          <Tip text={word}>
            <IconButton
              label={word}
              isOn={root.is_resolved}
              disabled={patch.isPending}
              onClick={() => patch.mutate({ id: root.id, is_resolved: !root.is_resolved })}
              className="size-7"
            >
              {root.is_resolved ? <RotateCcw size={14} /> : <Check size={15} />}
            </IconButton>
          </Tip>
        )}
        {onClose && (
          <IconButton label="Close the thread" onClick={onClose} className="size-7">
            <X size={15} />
          </IconButton>
        )}
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div role="log" aria-label="Comments" tabIndex={0} data-scroll className="flex max-h-80 flex-col gap-2 overflow-y-auto">
        <CommentView comment={root} board={board} canComment={canComment} />
        {replies.map((reply) => (
          <CommentView key={reply.id} comment={reply} board={board} canComment={canComment} />
        ))}
      </div>
      {!canComment && <p className="text-xs text-muted">{may.why("comment")}</p>}
      {canComment && !root.is_resolved && (
        <CommentField board={board} place={{ parent: root.id }} label="Reply" isFocused={isFocused} onCancel={() => onClose?.()} />
      )}
    </>
  );
}
