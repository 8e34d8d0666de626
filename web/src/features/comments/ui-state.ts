// Which thread is open on the board, and which one is being begun.
import { create } from "zustand";
import type { CommentAnchor } from "@/wire";

interface CommentUi {
  open: string | null;
  draft: { board: string; anchor: CommentAnchor } | null;
}

export const useCommentUi = create<CommentUi>(() => ({ open: null, draft: null }));

/** Opens a thread on the board, or closes the one that is open. */
export function showThread(open: string | null): void {
  useCommentUi.setState({ open, draft: null });
}

/** Begins a thread; `null` calls it off. */
export function startThread(draft: CommentUi["draft"]): void {
  useCommentUi.setState({ draft, open: null });
}
