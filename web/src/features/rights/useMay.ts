// What oneself may do on a board. The server decides; this only spares people controls that would be refused.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { client, queries, useLogin, useUsers } from "@/app/live";
import { api } from "@/net/api";
import type { BoardRight } from "@/wire";
import { holds, whyNot } from "./model";

/** The topic of oneself: which boards there are, and what one may do on each. */
const OWN = "user:me";

/** What one may do, and why no more. */
export interface May {
  /** Whether one has at least this right. While it is not known yet, one has: the server refuses what is not so. */
  can: (need: BoardRight) => boolean;
  /** Why not, and who can help; empty when one may. */
  why: (need: BoardRight) => string;
  right: BoardRight | undefined;
}

function subscribe(listener: () => void): () => void {
  const channel = client.use(OWN);
  const stop = channel.store.subscribeAll(listener);
  return () => {
    stop();
    client.release(channel);
  };
}

/** The right on a board, as the newest event has it. */
function rightOn(board: string): BoardRight | undefined {
  const object = client.peek(OWN)?.store.get(board);
  return object?.kind === "board" ? (object.v.right as BoardRight | undefined) : undefined;
}

/** What oneself may do on a board. */
export function useMay(board: string | null): May {
  const right = useSyncExternalStore(subscribe, () => (board === null ? undefined : rightOn(board)));
  const { data: login } = useLogin();
  const userOf = useUsers();
  const isLow = right !== undefined && !holds(right, "admin");
  const rights = useQuery({
    queryKey: ["rights", board, "me", right],
    queryFn: ({ signal }) => api.boards.rights(board ?? "", undefined, signal),
    enabled: board !== null && isLow,
    staleTime: 60_000,
  });
  const givers = (rights.data?.givers ?? []).flatMap((id) => (id === login?.user.id ? [] : (userOf(id)?.name ?? [])));
  return {
    right,
    can: (need) => right === undefined || holds(right, need),
    why: (need) => (right === undefined || holds(right, need) ? "" : whyNot(right, login?.user.role, givers)),
  };
}

/** Reads the list of boards again when boards come, go, or are called otherwise. */
export function useOwnBoards(): void {
  useEffect(() => {
    const names = () =>
      [...(client.peek(OWN)?.store.entries() ?? [])]
        .flatMap(([id, object]) => (object.kind === "board" ? [`${id} ${String(object.v.name)} ${String(object.v.right)}`] : []))
        .sort()
        .join("\n");
    let known: string | null = null;
    return subscribe(() => {
      if (!client.peek(OWN)?.store.isLoaded) return;
      const now = names();
      if (known !== null && known !== now) void queries.invalidateQueries({ queryKey: ["boards"] });
      known = now;
    });
  }, []);
}
