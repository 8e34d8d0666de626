// Hooks between React and comments: threads of a topic, people to call, changes.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { api } from "@/net/api";
import type { TopicStore } from "@/net/topic";
import { toastProblem } from "@/ui/toasts";
import type { CommentAnchor, PatchComment, User } from "@/wire";
import { CommentIndex, type Thread } from "./model";

const indexes = new WeakMap<TopicStore, CommentIndex>();

/** The comments of a topic, read once for all who show them. */
export function indexOf(store: TopicStore): CommentIndex {
  const known = indexes.get(store);
  if (known) return known;
  const made = new CommentIndex(store);
  indexes.set(store, made);
  return made;
}

const NONE: readonly Thread[] = [];
const NOTHING = { subscribe: () => () => undefined, threads: NONE };

/** The threads of a topic; none without a topic. */
export function useThreads(store: TopicStore | null): readonly Thread[] {
  const index = store ? indexOf(store) : NOTHING;
  return useSyncExternalStore(index.subscribe, () => index.threads);
}

/** Everybody who can be called. */
export function usePeople(): readonly User[] {
  const { data } = useQuery({ queryKey: ["users"], queryFn: ({ signal }) => api.users.list(signal), staleTime: 60_000 });
  return data ?? [];
}

/** Where a new comment goes: under a thread, or as the first of one. */
export type CommentPlace = { parent: string } | { anchor: CommentAnchor };

/** Writes a comment. */
export function useSend(onSent: (id: string) => void) {
  return useMutation({
    mutationFn: ({ place, text, mentions }: { place: CommentPlace; text: string; mentions: string[] }) =>
      api.comments.create({ ...place, text, mentions }),
    onSuccess: (comment) => onSent(comment.id),
    onError: toastProblem,
  });
}

/** Changes or resolves a comment. */
export function usePatch() {
  return useMutation({
    mutationFn: ({ id, ...body }: PatchComment & { id: string }) => api.comments.patch(id, body),
    onError: toastProblem,
  });
}

/** Removes a comment. */
export function useRemove() {
  return useMutation({ mutationFn: (id: string) => api.comments.remove(id), onError: toastProblem });
}
