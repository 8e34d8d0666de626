// The one WebSocket of this window: topics, resume, mutations, presence, reconnect.
// Rules of the protocol are in `docs/realtime.md`; this file holds no state of topics (see `topic.ts`).
import type { ClientFrame, Op, PresenceUpdate, ServerFrame, TopicState } from "@/wire";
import { type Channel, type Entry, entryOf } from "./channel";
import { type Connection, pauseAfter, type SocketFactory, unconnected } from "./connection";
import { type Extension, type Line, lineOver } from "./extension";
import { Heartbeat } from "./heartbeat";
import { randomHex } from "./ids";
import { Joining } from "./joining";
import type { Keep } from "./keep";
import { Mutations, type Refusal } from "./mutations";
import { readJson } from "./rest";
import { endTexts, takePiece } from "./streams";
import type { Direction } from "./undo";

export type { Channel } from "./channel";

const PROTOCOL = 1;
const SUBPROTOCOL = "grove.v1";
/** A topic that nobody uses any more is left after this time: switching back and forth costs nothing. */
const LINGER_MS = 3_000;
/** The same of a session: a card that is only a tile again, without streamed text. */
const LINGER_SESSION_MS = 30_000;
/** Topics that linger at once; with more the oldest is left. */
const LINGER_MAX = 16;
const CLOSE_UPGRADE = 4409;
/** What is kept of a topic is waited for this long; what comes later is added then. */
const KEEP_MS = 1_000;
/** What this client can do beyond the first version of the protocol. */
const CAPS = ["refetch"];

/** The connection and its topics. */
export class Client {
  readonly tab = randomHex(6);
  connection: Connection = unconnected();
  /** Called when a change was refused. */
  onRefusal: (refusal: Refusal) => void = () => undefined;
  private peer: string | null = null;
  private socket: WebSocket | null = null;
  private tries = 0;
  private readonly mutations: Mutations;
  private readonly joining = new Joining(
    () => this.socket?.readyState === WebSocket.OPEN,
    (frame) => this.send(frame),
  );
  private retry: ReturnType<typeof setTimeout> | undefined;
  private readonly heartbeat = new Heartbeat(
    () => this.socket,
    (frame) => this.send(frame),
    () => this.lost(),
  );
  private readonly channels = new Map<string, Entry>();
  private readonly listeners = new Set<() => void>();
  private extension: Extension | null = null;

  constructor(
    private readonly url: string,
    private readonly makeSocket: SocketFactory = (address, protocol) => new WebSocket(address, protocol),
    private readonly keep: Keep | null = null,
    private readonly lastUser: string | null = null,
    private readonly readState: (url: string) => Promise<TopicState> = readJson,
  ) {
    this.mutations = new Mutations({
      tab: this.tab,
      keep,
      send: (frame) => this.send(frame),
      user: () => this.connection.user ?? this.lastUser,
      tell: () => this.tell(),
      refuse: (refusal) => this.onRefusal(refusal),
    });
  }

  /** Connects, and stays connected. */
  start(): void {
    addEventListener("online", () => this.reconnect());
    addEventListener("offline", () => this.heartbeat.probe());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.heartbeat.probe();
      for (const entry of this.channels.values()) if (entry.readers > 0) this.joining.look(entry);
    });
    this.heartbeat.start();
    this.open();
  }

  /** Drops the connection and makes a new one at once (the person changed, or the network came back). */
  reconnect(): void {
    this.tries = 0;
    this.drop();
    this.open();
  }

  /** Calls `listener` when the connection changes; returns the way to stop it. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Joins a topic, or shares it. Every `use` needs one `release`; who does not `read` soon joins without text. */
  use(ch: string, isReading = true): Channel {
    const known = this.channels.get(ch);
    if (known) {
      clearTimeout(known.linger);
      known.users += 1;
      return known;
    }
    const entry = entryOf(ch, this.keep !== null, isReading, (d) => this.sendPresence(ch, d));
    this.channels.set(ch, entry);
    const join = () => {
      if (this.channels.get(ch) !== entry || !entry.isOpening) return;
      entry.isOpening = false;
      this.joining.sub(entry);
    };
    void this.mutations.open(entry).then(join);
    if (entry.isOpening) setTimeout(join, KEEP_MS);
    this.joining.sub(entry);
    return entry;
  }

  /** A topic that is in use; `undefined` when nobody uses it. */
  peek(ch: string): Channel | undefined {
    return this.channels.get(ch);
  }

  /** Gives a topic back. */
  release(channel: Channel): void {
    const entry = this.channels.get(channel.ch);
    if (!entry) return;
    entry.users -= 1;
    if (entry.users > 0) return;
    const isSession = entry.ch.startsWith("session:");
    entry.linger = setTimeout(() => this.leave(entry), isSession ? LINGER_SESSION_MS : LINGER_MS);
    // Left last is last in the list.
    this.channels.delete(entry.ch);
    this.channels.set(entry.ch, entry);
    const lingering = [...this.channels.values()].filter(({ users }) => users === 0);
    for (const oldest of lingering.slice(0, -LINGER_MAX)) this.leave(oldest);
  }

  /** Streamed text of a session is read on screen; returns the way to stop. */
  read(channel: Channel): () => void {
    const entry = this.channels.get(channel.ch);
    return entry ? this.joining.read(entry) : () => undefined;
  }

  /** Changes a board: shown at once, sent now or after the reconnect. Returns whether it was taken. */
  mutate(channel: Channel, ops: Op[]): boolean {
    const entry = this.channels.get(channel.ch);
    return entry !== undefined && this.mutations.mutate(entry, ops);
  }

  /** Takes an object away that nothing was made of: when it is new, there is nothing left to undo either. */
  discard(channel: Channel, id: string): void {
    const entry = this.channels.get(channel.ch);
    if (entry) this.mutations.discard(entry, id);
  }

  /** Takes the last own change of a board back, or makes it again. */
  step(channel: Channel, direction: Direction): void {
    const entry = this.channels.get(channel.ch);
    if (entry) this.mutations.step(entry, direction);
  }

  /** Lets documents use the connection, from now on. */
  extend(extension: Extension): Line {
    this.extension = extension;
    return lineOver(() => this.socket, extension);
  }

  /** Local changes that the server has not answered. */
  get unanswered(): number {
    return this.mutations.unanswered;
  }

  /** This connection's participant id. */
  get me(): string | null {
    return this.peer;
  }

  /** Name of a user who is on one of the topics now. */
  nameOf(user: string): string | undefined {
    for (const { peers } of this.channels.values()) {
      for (const { identity } of peers.all()) if (identity.user === user && !identity.is_agent) return identity.name;
    }
    return undefined;
  }

  private leave(entry: Entry): void {
    clearTimeout(entry.linger);
    clearTimeout(entry.lookAway);
    this.joining.lost(entry);
    this.channels.delete(entry.ch);
    this.mutations.close(entry.ch);
    entry.presence.close();
    this.send({ t: "unsub", ch: entry.ch });
  }

  private open(): void {
    clearTimeout(this.retry);
    if (this.socket || this.connection.state === "outdated") return;
    const socket = this.makeSocket(this.url, SUBPROTOCOL);
    this.socket = socket;
    this.heartbeat.heard();
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.send({ t: "hello", v: PROTOCOL, app: __APP_VERSION__, tab: this.tab, caps: CAPS });
      for (const entry of this.channels.values()) this.joining.sub(entry);
      this.extension?.opened();
    };
    socket.onmessage = (event) => {
      if (this.socket !== socket) return;
      this.heartbeat.heard();
      if (event.data instanceof ArrayBuffer) this.extension?.binary(new Uint8Array(event.data));
      else this.receive(JSON.parse(String(event.data)) as ServerFrame);
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.drop();
      if (event.code === CLOSE_UPGRADE) this.show({ state: "outdated" });
      else this.planRetry();
    };
  }

  private planRetry(): void {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.open(), pauseAfter(this.tries));
    this.tries += 1;
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    if (socket) {
      socket.onclose = null;
      socket.onmessage = null;
      socket.close();
    }
    this.mutations.lost();
    this.extension?.lost();
    for (const entry of this.channels.values()) {
      this.joining.lost(entry);
      entry.peers.clear();
    }
    if (this.connection.state === "live") this.show({ state: "offline", since: performance.now(), latencyMs: null });
    else if (this.connection.state === "connecting" && this.tries > 0) this.show({ state: "offline" });
  }

  private lost(): void {
    this.drop();
    this.planRetry();
  }

  private send(frame: ClientFrame): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  private sendPresence(ch: string, d: PresenceUpdate): boolean {
    return this.send({ t: "pres", ch, d });
  }

  private receive(frame: ServerFrame): void {
    if (this.extension?.frame(frame)) return;
    switch (frame.t) {
      case "welcome":
        this.welcomed(frame);
        return;
      case "pong":
        this.show({ latencyMs: Math.max(0, Math.round(performance.now() - frame.ts)) });
        return;
      case "ack":
        this.mutations.acked(frame.mid, frame.seq);
        return;
      case "nack":
        this.mutations.nacked(frame.mid, frame.code, frame.msg);
        return;
      case "error":
        this.failed(frame);
        return;
      default: {
        const entry = this.channels.get(frame.ch);
        if (entry) this.receiveIn(entry, frame);
      }
    }
  }

  private receiveIn(entry: Entry, frame: Extract<ServerFrame, { ch: string }>): void {
    switch (frame.t) {
      case "snap":
        entry.streams.clear();
        entry.store.snapshot(frame.epoch, frame.seq, frame.state);
        this.joined(entry);
        return;
      case "subok":
        this.joined(entry);
        return;
      case "ev":
        if (entry.store.apply(frame.evs) === "gap") this.joining.sub(entry);
        endTexts(entry, frame.evs);
        return;
      case "st":
        // While the topic is joined anew, all text so far comes first.
        if (entry.subscription !== null && frame.o > 0) return;
        if (takePiece(entry, frame.m, frame.o, frame.d) === "gap") this.joining.sub(entry);
        return;
      case "refetch":
        void this.refetch(entry, frame.url);
        return;
      case "peers": {
        const before = entry.peers.people;
        entry.peers.join(frame.join, this.peer);
        if (before === 0 && entry.peers.people > 0) entry.presence.again();
        return;
      }
      case "pres":
        entry.peers.update(frame.u, frame.gone ?? [], this.peer);
    }
  }

  private welcomed(frame: Extract<ServerFrame, { t: "welcome" }>): void {
    this.peer = frame.peer;
    this.tries = 0;
    if (this.connection.user === null && this.lastUser !== null && this.lastUser !== frame.user) this.unkeep();
    const first = this.connection.serverVersion;
    this.show({
      state: "live",
      since: performance.now(),
      serverVersion: first ?? frame.app,
      isUpdated: first !== null && first !== frame.app,
      user: frame.user,
    });
    this.heartbeat.ping();
  }

  /** Somebody else than last time: what is kept is not theirs. */
  private unkeep(): void {
    this.mutations.forgetKept();
    for (const entry of this.channels.values()) {
      this.joining.lost(entry);
      this.joining.sub(entry);
    }
  }

  private joined(entry: Entry): void {
    entry.refusal = null;
    this.mutations.joined(entry);
    entry.presence.again();
    this.joining.joined(entry);
    this.tell();
  }

  /** A topic is refused, or is taken away while it is in use: what was read of it is not kept. */
  private failed(frame: Extract<ServerFrame, { t: "error" }>): void {
    for (const entry of this.channels.values()) {
      const isRefused = frame.ref !== undefined && entry.subscription === frame.ref;
      const isTaken = frame.ref === undefined && frame.ch === entry.ch && (frame.code === "forbidden" || frame.code === "not_found");
      if (!isRefused && !isTaken) continue;
      if (frame.retry_ms !== undefined) {
        this.joining.postpone(entry, frame.retry_ms);
        continue;
      }
      this.joining.lost(entry);
      entry.isJoined = false;
      entry.refusal = { code: frame.code, msg: frame.msg };
      if (frame.code === "forbidden" || frame.code === "not_found") this.mutations.forget(entry.ch);
      entry.streams.clear();
      entry.peers.clear();
      this.tell();
    }
  }

  /** Asks again for a topic that was refused: a right may have come. */
  askAgain(ch: string): void {
    const entry = this.channels.get(ch);
    if (entry?.refusal) this.joining.sub(entry);
  }

  /** The state is too large for a frame: it is read over HTTP, and the topic resumed from there. */
  private async refetch(entry: Entry, url: string): Promise<void> {
    const { socket } = this;
    const state = await this.readState(url).catch(() => null);
    if (this.socket !== socket || this.channels.get(entry.ch) !== entry) return;
    if (!state) return this.lost();
    entry.streams.clear();
    entry.store.snapshot(state.epoch, state.seq, state.state);
    entry.subscription = null;
    this.joining.sub(entry);
  }

  private show(change: Partial<Connection>): void {
    this.connection = { ...this.connection, ...change };
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}
