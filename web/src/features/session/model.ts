// A session's topic as the panel shows it: session, tasks, messages in order.
import { useCallback, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useTopicVersion } from "@/app/live";
import { api } from "@/net/api";
import type { Channel } from "@/net/client";
import { toastProblem } from "@/ui/toasts";
import type { Message, Session, Task } from "@/wire";

/** What the topic of a session holds. */
export interface SessionModel {
  session: Session | null;
  tasks: Map<string, Task>;
  messages: Message[];
}

/** Reads the topic; the server guarantees the shape of the objects by their kind. */
export function readModel(channel: Channel): SessionModel {
  let session: Session | null = null;
  const tasks = new Map<string, Task>();
  const messages: Message[] = [];
  for (const [id, object] of channel.store.entries()) {
    const value = { ...object.v, id } as unknown;
    if (object.kind === "session") session = value as Session;
    else if (object.kind === "task") tasks.set(id, value as Task);
    else if (object.kind === "message") messages.push(value as Message);
  }
  messages.sort((a, b) => a.index - b.index);
  return { session, tasks, messages };
}

/** The model, made anew when the topic changes. */
export function useSessionModel(channel: Channel): SessionModel {
  const version = useTopicVersion(channel.store);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version stands for the contents of the store
  return useMemo(() => readModel(channel), [channel, version]);
}

/** The text of a message: live while it streams, one update per frame. */
export function useText(channel: Channel, message: Message): string {
  const live = useSyncExternalStore(
    useCallback(
      (listener) => {
        let frame = 0;
        const stop = channel.streams.subscribe(message.id, () => {
          if (frame === 0) {
            frame = requestAnimationFrame(() => {
              frame = 0;
              listener();
            });
          }
        });
        return () => {
          cancelAnimationFrame(frame);
          stop();
        };
      },
      [channel, message.id],
    ),
    () => channel.streams.get(message.id),
  );
  return live ?? message.text;
}

/** Messages older than the snapshot, read on demand. */
export function useOlder(session: string, messages: readonly Message[]) {
  const [older, setOlder] = useState<Message[]>([]);
  const [isLoading, setLoading] = useState(false);
  const [hasMore, setMore] = useState<boolean | null>(null);
  const isBusy = useRef(false);
  const firstIndex = older[0]?.index ?? messages[0]?.index ?? 1;
  const load = useCallback(async () => {
    if (isBusy.current) return;
    isBusy.current = true;
    setLoading(true);
    try {
      const page = await api.sessions.before(session, firstIndex);
      setOlder((known) => [...page.items.filter((it) => it.index < firstIndex), ...known]);
      setMore(page.has_before);
    } catch (error) {
      toastProblem(error);
    } finally {
      isBusy.current = false;
      setLoading(false);
    }
  }, [session, firstIndex]);
  const known = useMemo(() => {
    const ids = new Set(messages.map((message) => message.id));
    return older.filter((message) => !ids.has(message.id));
  }, [older, messages]);
  return { older: known, isLoading, hasMore: hasMore ?? firstIndex > 1, load };
}
