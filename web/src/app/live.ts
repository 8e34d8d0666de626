// Hooks between React and what lives outside of it: the connection, topics, presence, REST queries.
import { QueryCache, QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { api } from "@/net/api";
import { type Channel, Client } from "@/net/client";
import { type Connection, socketUrl } from "@/net/connection";
import { BrowserKeep } from "@/net/keep";
import type { Peers } from "@/net/presence";
import { ProblemError } from "@/net/rest";
import type { TopicStore } from "@/net/topic";
import type { TopicObject, User } from "@/wire";
import { recall, remember } from "./storage";

/** The connection of this window. */
export const client = new Client(socketUrl(location), undefined, new BrowserKeep(), recall("user"));
client.subscribe(() => {
  const { user } = client.connection;
  if (user !== null && user !== recall("user")) remember("user", user);
});

const RETRIES = 2;

/** Answers of REST calls, kept while they are fresh. */
export const queries = new QueryClient({
  queryCache: new QueryCache({
    // Somebody who is signed out elsewhere, or whose token was revoked, comes to the way in at once.
    onError: (error, query) => {
      const isStranger = error instanceof ProblemError && error.code === "unauthenticated";
      if (isStranger && query.queryKey[0] !== "login") void queries.invalidateQueries({ queryKey: ["login"] });
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      retry: (count, error) => {
        const status = error instanceof ProblemError ? error.problem.status : 0;
        return count < RETRIES && (status === 0 || status >= 500);
      },
    },
  },
});

let wasLive = false;
client.subscribe(() => {
  const isLive = client.connection.state === "live";
  // A connection that ends may be a sign-out elsewhere: who one is, is asked anew.
  if (wasLive && !isLive) void queries.invalidateQueries({ queryKey: ["login"] });
  wasLive = isLive;
});

/** State of the connection. */
export function useConnection(): Connection {
  return useSyncExternalStore(
    useCallback((listener) => client.subscribe(listener), []),
    () => client.connection,
  );
}

/** How many changes wait for the server's answer. */
export function useUnanswered(): number {
  return useSyncExternalStore(
    useCallback((listener) => client.subscribe(listener), []),
    () => client.unanswered,
  );
}

/** Whether there has been no connection for so long that people should know. */
export function useIsOffline(): boolean {
  const { state } = useConnection();
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    if (state === "live") {
      setLong(false);
      return;
    }
    const timer = setTimeout(() => setLong(true), 2_000);
    return () => clearTimeout(timer);
  }, [state]);
  return isLong && state !== "live";
}

/** Joins a topic while the component is there; `isReading` says whether streamed text of a session is read. */
export function useChannel(ch: string | null, isReading = true): Channel | null {
  const [channel, setChannel] = useState<Channel | null>(null);
  const first = useRef(isReading);
  first.current = isReading;
  useEffect(() => {
    if (ch === null) return;
    const joined = client.use(ch, first.current);
    setChannel(joined);
    return () => {
      setChannel(null);
      client.release(joined);
    };
  }, [ch]);
  useEffect(() => (channel && isReading ? client.read(channel) : undefined), [channel, isReading]);
  return channel?.ch === ch ? channel : null;
}

/** Why a topic is refused, if it is. */
export function useRefusal(channel: Channel | null): Channel["refusal"] {
  return useSyncExternalStore(
    useCallback((listener) => client.subscribe(listener), []),
    () => channel?.refusal ?? null,
  );
}

/** One object of a topic. */
export function useObject(store: TopicStore, id: string): TopicObject | undefined {
  return useSyncExternalStore(
    useCallback((listener) => store.subscribe(id, listener), [store, id]),
    () => store.get(id),
  );
}

const nobody = () => () => undefined;

/** Changes whenever anything in the topic does. */
export function useTopicVersion(store: TopicStore | null): number {
  return useSyncExternalStore(
    useCallback((listener) => store?.subscribeAll(listener) ?? nobody(), [store]),
    () => store?.version ?? -1,
  );
}

/** Changes whenever somebody comes, goes, or opens a session. */
export function usePeersVersion(peers: Peers | null): number {
  return useSyncExternalStore(
    useCallback((listener) => peers?.subscribe((isMembership) => isMembership && listener()) ?? nobody(), [peers]),
    () => peers?.version ?? -1,
  );
}

/** What the instance offers. */
export function useInstance() {
  return useQuery({ queryKey: ["instance"], queryFn: ({ signal }) => api.instance(signal), staleTime: 300_000 });
}

/** The boards that are not archived. */
export function useBoards() {
  return useQuery({
    queryKey: ["boards"],
    queryFn: ({ signal }) => api.boards.list(signal),
    select: (boards) => boards.filter((board) => board.archived_at_ms === null),
  });
}

/** Who this browser is. */
export function useLogin() {
  return useQuery({ queryKey: ["login"], queryFn: ({ signal }) => api.login.current(signal), staleTime: 300_000 });
}

/** Looks people up by id; somebody unknown makes the list be read again. */
export function useUsers(): (id: string | null | undefined) => User | undefined {
  const { data } = useQuery({ queryKey: ["users"], queryFn: ({ signal }) => api.users.list(signal), staleTime: 60_000 });
  const cache = useQueryClient();
  const byId = useMemo(() => new Map((data ?? []).map((user) => [user.id, user])), [data]);
  return useCallback(
    (id) => {
      if (!id) return undefined;
      const user = byId.get(id);
      if (!user && data && !asked.has(id)) {
        asked.add(id);
        queueMicrotask(() => void cache.invalidateQueries({ queryKey: ["users"] }));
      }
      return user;
    },
    [byId, cache, data],
  );
}

/** Ids that were looked for in vain: each causes one more read, not one per paint. */
const asked = new Set<string>();

/** Whether the window is too narrow for board and panel side by side. */
export function useIsNarrow(): boolean {
  return useSyncExternalStore(
    useCallback((listener) => {
      narrow.addEventListener("change", listener);
      return () => narrow.removeEventListener("change", listener);
    }, []),
    () => narrow.matches,
  );
}

const narrow = matchMedia("(max-width: 719px)");
