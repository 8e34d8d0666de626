// Where the connection stands, and how a socket is made.

/** Where the connection stands; `outdated` ends in a reload. */
export type ConnectionState = "connecting" | "live" | "offline" | "outdated";

/** What the shell shows of the connection. */
export interface Connection {
  state: ConnectionState;
  /** When it was last live, or when the page began to wait; on the page's clock. */
  since: number;
  latencyMs: number | null;
  /** Version of the server, and whether it changed since this page was loaded. */
  serverVersion: string | null;
  isUpdated: boolean;
  user: string | null;
}

/** A connection that was never there. */
export function unconnected(): Connection {
  return { state: "connecting", since: performance.now(), latencyMs: null, serverVersion: null, isUpdated: false, user: null };
}

/** How a socket is made: a seam for tests. */
export type SocketFactory = (url: string, protocol: string) => WebSocket;

/** Where the server's socket is. */
export function socketUrl(location: Location): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
}

const BACKOFF_FIRST_MS = 250;
const BACKOFF_MAX_MS = 8_000;

/** How long to wait after so many vain tries: twice as long each time, and never all windows at once. */
export function pauseAfter(tries: number): number {
  const longest = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** tries);
  return longest * (0.5 + Math.random() / 2);
}
