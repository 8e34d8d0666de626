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
