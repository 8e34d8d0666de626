// Threads of comments as they lie in a topic, kept apart from everything else that changes there.
import type { TopicStore } from "@/net/topic";
import type { Comment, CommentAnchor } from "@/wire";

/** A comment with the answers to it, oldest first. */
export interface Thread {
  root: Comment;
  replies: Comment[];
}

const NONE: readonly Thread[] = [];

/** The comments of one topic; told anew only when a comment changes. */
export class CommentIndex {
  private readonly comments = new Map<string, Comment>();
  private readonly listeners = new Set<() => void>();
  private cached: readonly Thread[] | null = null;

  constructor(private readonly store: TopicStore) {
    this.read([...store.entries()].map(([id]) => id));
    store.subscribeAll((ids) => {
      if (this.read(ids)) for (const listener of this.listeners) listener();
    });
  }

  /** All threads, oldest first. */
  get threads(): readonly Thread[] {
    this.cached ??= threadsOf(this.comments.values());
    return this.cached;
  }

  /** Calls `listener` when a comment changes; returns the way to stop it. */
  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private read(ids: Iterable<string>): boolean {
    let isChanged = false;
    for (const id of ids) {
      const object = this.store.get(id);
      if (object?.kind === "comment") {
        // The server guarantees the shape of an object by its kind.
        this.comments.set(id, { ...object.v, id } as unknown as Comment);
        isChanged = true;
      } else if (this.comments.delete(id)) isChanged = true;
    }
    if (isChanged) this.cached = null;
    return isChanged;
  }
}

/** Puts answers to what they answer. An answer whose thread is gone is left out. */
export function threadsOf(comments: Iterable<Comment>): readonly Thread[] {
  const threads = new Map<string, Thread>();
  const replies: Comment[] = [];
  for (const comment of comments) {
    if (comment.parent === null || comment.parent === undefined) threads.set(comment.id, { root: comment, replies: [] });
    else replies.push(comment);
  }
  for (const reply of replies) threads.get(reply.parent ?? "")?.replies.push(reply);
  if (threads.size === 0) return NONE;
  const byAge = (a: Comment, b: Comment) => a.created_at_ms - b.created_at_ms || (a.id < b.id ? -1 : 1);
  for (const thread of threads.values()) thread.replies.sort(byAge);
  return [...threads.values()].sort((a, b) => byAge(a.root, b.root));
}

/** Whether a thread is about this message. */
export function isAboutMessage(anchor: CommentAnchor, message: string): boolean {
  return anchor.kind === "message" && anchor.message === message;
}

/** The names that a text calls with `@`, as the ids of those who bear them; longer names first. */
export function mentioned(text: string, people: readonly { id: string; name: string }[]): string[] {
  let left = text.toLowerCase();
  const found: string[] = [];
  for (const { id, name } of [...people].sort((a, b) => b.name.length - a.name.length)) {
    const call = `@${name.toLowerCase()}`;
    if (!left.includes(call)) continue;
    found.push(id);
    left = left.replaceAll(call, " ");
  }
  return found;
}

/** Marks the called names, so that they stand out. */
export function withCalls(text: string, names: readonly string[]): string {
  let marked = text;
  for (const name of [...names].sort((a, b) => b.length - a.length)) {
    const call = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    marked = marked.replace(
      new RegExp(`(^|[^*\\w])@${call}(?![*\\w])`, "gi"),
      (found, before: string) => `${before}**${found.slice(before.length)}**`,
    );
  }
  return marked;
}

/** The word that is being typed after an `@`, before the caret; `null` when none is. */
export function callAt(text: string, caret: number): { start: number; typed: string } | null {
  const match = /(?:^|\s)@([\p{L}\p{N}_.-]{0,40}(?: [\p{L}\p{N}_.-]{0,40})?)$/u.exec(text.slice(0, caret));
  if (!match) return null;
  const typed = match[1] ?? "";
  return { start: caret - typed.length - 1, typed };
}
