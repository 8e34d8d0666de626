// Presence: what this window tells others (coalesced) and what others told (identities and values).
import type { Identity, Presence, PresenceUpdate } from "@/wire";

/** Shortest time between two frames while somebody else is there: 25 a second. */
export const PRESENCE_MS = 40;
/** The same while nobody could see it. */
export const PRESENCE_ALONE_MS = 1_000;

/** A participant of a board. */
export interface Peer {
  id: string;
  identity: Identity;
  presence: Presence;
  /** When the pointer last moved, on the page's clock. */
  movedAt: number;
}

/** What an invisible participant says. */
const INVISIBLE: PresenceUpdate = {
  cur: null,
  vp: null,
  sel: null,
  drag: null,
  typing: null,
  panel: null,
  tab: null,
  follow: null,
  spot: null,
  seen: "hidden",
};

/** Takes the newest value of each field and sends them together, at a bounded rate. */
export class PresenceSender {
  private waiting: PresenceUpdate = {};
  private last: PresenceUpdate = {};
  private isHidden = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private sentAt = Number.NEGATIVE_INFINITY;
  private readonly send: (update: PresenceUpdate) => boolean;
  private readonly isAlone: () => boolean;

  constructor(send: (update: PresenceUpdate) => boolean, isAlone: () => boolean) {
    this.send = send;
    this.isAlone = isAlone;
  }

  /** Notes new values; they go out soon. */
  set(update: PresenceUpdate): void {
    Object.assign(this.last, update);
    if (this.isHidden) return;
    this.waiting = { ...this.waiting, ...update };
    this.plan();
  }

  /** Shows nothing of this participant any more, or everything again. */
  hide(isHidden: boolean): void {
    if (this.isHidden === isHidden) return;
    this.isHidden = isHidden;
    this.last = { seen: null, ...this.last };
    this.again();
  }

  /** Says everything again: after a reconnect, or when somebody came. */
  again(): void {
    this.waiting = this.isHidden ? INVISIBLE : { ...this.last };
    this.sentAt = Number.NEGATIVE_INFINITY;
    this.close();
    this.plan();
  }

  /** Stops sending. */
  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private plan(): void {
    const interval = this.isAlone() ? PRESENCE_ALONE_MS : PRESENCE_MS;
    const wait = Math.max(0, this.sentAt + interval - performance.now());
    if (this.timer !== undefined) return;
    this.timer = setTimeout(() => this.flush(), wait);
  }

  private flush(): void {
    this.timer = undefined;
    if (Object.keys(this.waiting).length === 0) return;
    const update = this.waiting;
    this.waiting = {};
    this.sentAt = performance.now();
    // Not connected: nothing is lost, `again` says it all after the reconnect.
    this.send(update);
  }
}

/** Fields whose change is more than a moved pointer, view or drag. */
const SHOWN_BY_REACT: ReadonlySet<string> = new Set(["sel", "typing", "panel", "tab", "follow", "spot", "seen"]);

/** Everybody else on one board. */
export class Peers {
  private peers = new Map<string, Peer>();
  private early = new Map<string, Presence>();
  private readonly listeners = new Set<(isMembership: boolean) => void>();
  /** Raised when somebody comes or goes or opens a panel: what React shows. */
  version = 0;

  /** Notes who is there. */
  join(join: Record<string, Identity | undefined>, me: string | null): void {
    for (const [id, identity] of Object.entries(join)) {
      if (!identity || id === me) continue;
      const known = this.peers.get(id);
      const presence = known?.presence ?? this.early.get(id) ?? {};
      this.early.delete(id);
      this.peers.set(id, { id, identity, presence, movedAt: known?.movedAt ?? performance.now() });
    }
    this.tell(true);
  }

  /** Takes changed values and leavers. */
  update(changes: Record<string, PresenceUpdate | undefined>, gone: readonly string[], me: string | null): void {
    let isMembership = false;
    for (const [id, change] of Object.entries(changes)) {
      if (!change || id === me) continue;
      const peer = this.peers.get(id);
      const presence = merged(peer?.presence ?? this.early.get(id) ?? {}, change);
      if (!peer) {
        this.early.set(id, presence);
        continue;
      }
      isMembership ||= Object.keys(change).some((field) => SHOWN_BY_REACT.has(field));
      this.peers.set(id, { ...peer, presence, movedAt: "cur" in change ? performance.now() : peer.movedAt });
    }
    for (const id of gone) {
      this.early.delete(id);
      isMembership = this.peers.delete(id) || isMembership;
    }
    this.tell(isMembership);
  }

  /** Forgets everybody: the connection is gone, a new one brings all of them again. */
  clear(): void {
    if (this.peers.size === 0 && this.early.size === 0) return;
    this.peers = new Map();
    this.early = new Map();
    this.tell(true);
  }

  /** How many connections of people there are: agents look at nothing. */
  get people(): number {
    let count = 0;
    for (const { identity } of this.peers.values()) if (!identity.is_agent) count += 1;
    return count;
  }

  get(id: string): Peer | undefined {
    return this.peers.get(id);
  }

  all(): IterableIterator<Peer> {
    return this.peers.values();
  }

  /** Calls `listener` with each change; the argument tells whether it is more than a moved pointer. */
  subscribe(listener: (isMembership: boolean) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private tell(isMembership: boolean): void {
    if (isMembership) this.version += 1;
    for (const listener of this.listeners) listener(isMembership);
  }
}

function merged(presence: Presence, change: PresenceUpdate): Presence {
  const next: Record<string, unknown> = { ...presence };
  for (const [field, value] of Object.entries(change)) {
    if (value === null) delete next[field];
    else if (value !== undefined) next[field] = value;
  }
  return next as Presence;
}
