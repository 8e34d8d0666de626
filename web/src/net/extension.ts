// What shares the socket with the topics without being one of them: documents, which have binary
// frames and a synchronization of their own (`src/doc`).
import type { ClientFrame, ServerFrame } from "@/wire";

/** Told of everything that is not a topic's. */
export interface Extension {
  /** The connection is there: join again. */
  opened(): void;
  /** The connection is gone. */
  lost(): void;
  /** Takes a text frame; returns whether it was its own. */
  frame(frame: ServerFrame): boolean;
  /** Takes a binary frame. */
  binary(bytes: Uint8Array): void;
}

/** The way out of an extension. Both return whether the connection took it. */
export interface Line {
  send(frame: ClientFrame): boolean;
  sendBinary(bytes: Uint8Array<ArrayBuffer>): boolean;
}

/** Makes an extension's way out over whatever socket there is; when there is one already, it is told so. */
export function lineOver(socket: () => WebSocket | null, extension: Extension): Line {
  const write = (data: string | Uint8Array<ArrayBuffer>) => {
    const now = socket();
    if (now?.readyState !== WebSocket.OPEN) return false;
    now.send(data);
    return true;
  };
  if (socket()?.readyState === WebSocket.OPEN) queueMicrotask(() => extension.opened());
  return { send: (frame) => write(JSON.stringify(frame)), sendBinary: write };
}
