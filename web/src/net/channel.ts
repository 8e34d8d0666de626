// A topic that is in use: what others see of it, and what the client notes about it.
import type { PresenceUpdate } from "@/wire";
import { type Joinable, unjoined } from "./joining";
import type { Outlet } from "./mutations";
import { Peers, PresenceSender } from "./presence";
import { StreamTexts } from "./streams";
import { TopicStore } from "./topic";
import { History } from "./undo";

/** A topic that is in use. */
export interface Channel {
  readonly ch: string;
  readonly store: TopicStore;
  /** What this window did here and can take back. */
  readonly history: History;
  readonly streams: StreamTexts;
  readonly peers: Peers;
  readonly presence: PresenceSender;
  /** Why the server does not let us in; `null` while it does. */
  refusal: { code: string; msg: string } | null;
}

/** The same with what only the client may touch. */
export interface Entry extends Channel, Outlet, Joinable {
  readonly ch: string;
  readonly store: TopicStore;
  users: number;
  linger: ReturnType<typeof setTimeout> | undefined;
}

/** A topic with its first user. `isOpening` says that what is kept of it is still being read. */
export function entryOf(ch: string, isOpening: boolean, isReading: boolean, send: (d: PresenceUpdate) => boolean): Entry {
  const store = new TopicStore();
  const peers = new Peers();
  return {
    ch,
    store,
    history: new History(store),
    streams: new StreamTexts(),
    peers,
    presence: new PresenceSender(send, () => peers.people === 0 || document.visibilityState === "hidden"),
    refusal: null,
    users: 1,
    linger: undefined,
    isJoined: false,
    isOpening,
    ...unjoined(isReading || !ch.startsWith("session:")),
  };
}
