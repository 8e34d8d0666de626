// A topic that is in use, as the rest of the client sees it, and what the connection notes about it besides.
import type { Outlet } from "./mutations";
import type { Peers, PresenceSender } from "./presence";
import type { StreamTexts } from "./streams";
import type { TopicStore } from "./topic";
import type { History } from "./undo";

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

/** A topic with what the connection has to know of it. */
export interface Entry extends Channel, Outlet {
  /** While what is kept of it is being read, it is not joined. */
  isOpening: boolean;
  users: number;
  linger: ReturnType<typeof setTimeout> | undefined;
  subscription: number | null;
}
