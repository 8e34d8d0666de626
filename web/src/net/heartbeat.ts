// Whether the other side is still there: asked every few seconds, and at once when there is a doubt.
import type { ClientFrame } from "@/wire";

const PING_MS = 5_000;
const SILENCE_MS = 12_000;
const PROBE_MS = 2_000;

/** Watches one client's connection. */
export class Heartbeat {
  private heardAt = performance.now();
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly socket: () => WebSocket | null,
    private readonly send: (frame: ClientFrame) => boolean,
    private readonly lost: () => void,
  ) {}

  /** Begins to ask regularly. */
  start(): void {
    this.timer ??= setInterval(() => this.ping(), PING_MS);
  }

  /** Something came from the other side, or a new connection begins. */
  heard(): void {
    this.heardAt = performance.now();
  }

  /** Asks for a sign of life, unless there has been none for too long. */
  ping(): void {
    if (!this.socket()) return;
    if (performance.now() - this.heardAt > SILENCE_MS) this.lost();
    else this.send({ t: "ping", ts: Math.round(performance.now()) });
  }

  /** Asks once and wants the answer soon: the system says that the network went, which on loopback means nothing. */
  probe(): void {
    const socket = this.socket();
    const asked = performance.now();
    this.send({ t: "ping", ts: Math.round(asked) });
    setTimeout(() => {
      if (socket && this.socket() === socket && this.heardAt < asked) this.lost();
    }, PROBE_MS);
  }
}
