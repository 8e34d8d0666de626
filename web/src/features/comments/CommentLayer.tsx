// Comments on the board: a pin for each open thread, and the thread that is open beside its pin.
import { useEffect, useLayoutEffect, useMemo, useRef } from "react";
import { useUsers } from "@/app/live";
import type { Engine } from "@/board/engine";
import { type Point, toWindow } from "@/board/geometry";
import { Avatar } from "@/features/people/Avatar";
import type { CommentAnchor } from "@/wire";
import { useThreads } from "./hooks";
import type { Thread } from "./model";
import { CommentField, ThreadView } from "./ThreadView";
import { showThread, startThread, useCommentUi } from "./ui-state";

const CARD_PX = 320;
const PIN_PX = 30;
const NOBODY = { name: "Somebody", emoji: "", slot: 11 };

/** Where a comment's pin is on the board; `null` when what it is about is not there. */
function placeOf(engine: Engine, anchor: CommentAnchor): Point | null {
  if (anchor.kind === "point") return anchor.pos;
  if (anchor.kind !== "object") return null;
  const item = engine.items.get(anchor.object);
  if (!item) return null;
  const rect = engine.shownRect(item);
  return [rect.x + rect.w, rect.y];
}

/** What a thread is about, in words. */
export function aboutWords(nameOf: (id: string) => string, anchor: CommentAnchor): string {
  switch (anchor.kind) {
    case "point":
      return "On the board";
    case "object":
      return `On ${nameOf(anchor.object)}`;
    case "message":
      return "On a message";
    case "diff_line":
      return `${anchor.path}, line ${anchor.line}`;
  }
}

/** Puts an element above its place in each frame; `index` keeps several at one place apart. */
function usePlaced(engine: Engine, anchor: CommentAnchor | null, put: (element: HTMLElement, x: number, y: number) => void) {
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (!anchor) return;
    return engine.onFrame(() => {
      const element = ref.current;
      const at = placeOf(engine, anchor);
      if (!element) return;
      element.style.visibility = at ? "visible" : "hidden";
      if (at) put(element, ...toWindow(engine.view, at[0], at[1]));
    });
  }, [engine, anchor, put]);
  return ref;
}

function Pin({ engine, thread, index, isOpen }: { engine: Engine; thread: Thread; index: number; isOpen: boolean }) {
  const userOf = useUsers();
  const { root, replies } = thread;
  const author = userOf(root.created_by) ?? NOBODY;
  const put = useMemo(
    () => (element: HTMLElement, x: number, y: number) => {
      element.style.transform = `translate(${Math.round(x - 4 - index * (PIN_PX - 6))}px, ${Math.round(y - PIN_PX + 4)}px)`;
    },
    [index],
  );
  const ref = usePlaced(engine, root.anchor, put);
  return (
    <div ref={ref} className="absolute top-0 left-0">
      <button
        type="button"
        data-no-drag
        data-thread={root.id}
        aria-expanded={isOpen}
        aria-label={`Comment by ${author.name}: ${root.text.slice(0, 60)}${replies.length > 0 ? `, ${replies.length + 1} in the thread` : ""}`}
        onClick={() => showThread(isOpen ? null : root.id)}
        className="comment-pin"
      >
        <Avatar person={author} size={22} />
        {replies.length > 0 && <span className="comment-count">{replies.length + 1}</span>}
      </button>
    </div>
  );
}

/** The card of an open thread, or of a new one. */
function Card({ engine, anchor, label, children }: { engine: Engine; anchor: CommentAnchor; label: string; children: React.ReactNode }) {
  const put = useMemo(
    () => (element: HTMLElement, x: number, y: number) => {
      const right = x + 22;
      const left = right + CARD_PX > engine.width - 8 ? x - CARD_PX - 34 : right;
      const top = Math.min(y - 20, engine.height - element.offsetHeight - 72);
      element.style.transform = `translate(${Math.round(Math.max(8, Math.min(left, engine.width - CARD_PX - 8)))}px, ${Math.round(Math.max(8, top))}px)`;
    },
    [engine],
  );
  const ref = usePlaced(engine, anchor, put);
  useEffect(() => {
    // Its height is known only now, and changes with each answer.
    engine.schedule();
  });
  return (
    <div
      ref={ref}
      role="dialog"
      aria-label={label}
      data-no-drag
      className="pointer-events-auto absolute top-0 left-0 z-10 flex flex-col gap-2 rounded-xl border border-strong bg-raised p-3 shadow-(--float) select-text"
      style={{ width: CARD_PX }}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        showThread(null);
        engine.layers.root.focus({ preventScroll: true });
      }}
    >
      {children}
    </div>
  );
}

/** All pins, the open thread and the new one. */
export function CommentLayer({ engine, nameOf }: { engine: Engine; nameOf: (id: string) => string }) {
  const { channel } = engine;
  const threads = useThreads(channel.store);
  const { open, draft } = useCommentUi();
  const shown = threads.filter(({ root }) => !root.is_resolved || root.id === open);
  const current = threads.find(({ root }) => root.id === open);
  const seen = new Map<string, number>();
  const indexAt = ({ root: { anchor } }: Thread) => {
    if (anchor.kind !== "object") return 0;
    const index = seen.get(anchor.object) ?? 0;
    seen.set(anchor.object, index + 1);
    return index;
  };
  const isDraftHere = draft !== null && draft.board === channel.ch;
  return (
    <>
      {shown.map((thread) => (
        <Pin key={thread.root.id} engine={engine} thread={thread} index={indexAt(thread)} isOpen={thread.root.id === open} />
      ))}
      {current && !isDraftHere && (
        <Card key={current.root.id} engine={engine} anchor={current.root.anchor} label="Thread">
          <ThreadView
            thread={current}
            board={channel}
            about={aboutWords(nameOf, current.root.anchor)}
            isFocused
            onClose={() => showThread(null)}
          />
        </Card>
      )}
      {isDraftHere && (
        <Card key="draft" engine={engine} anchor={draft.anchor} label="New comment">
          <span className="text-xs text-muted">{aboutWords(nameOf, draft.anchor)}</span>
          <CommentField
            board={channel}
            place={{ anchor: draft.anchor }}
            label="Comment"
            isFocused
            onSent={(id) => showThread(id)}
            onCancel={() => startThread(null)}
          />
        </Card>
      )}
    </>
  );
}
