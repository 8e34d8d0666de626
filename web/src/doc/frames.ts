// Binary frames of documents: kind, channel, payload. The rules are in `docs/realtime.md`.
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";

/** Kinds of binary frames. */
export const SYNC = 1;
export const AWARENESS = 2;
/** Messages of the synchronization. */
export const STEP_1 = 0;
export const STEP_2 = 1;
export const UPDATE = 2;

/** What came in. */
export type Incoming =
  | { kind: "step1" | "step2" | "update"; channel: number; body: Uint8Array }
  | { kind: "awareness"; channel: number; body: Uint8Array };

const SYNC_KINDS = ["step1", "step2", "update"] as const;

/** Writes one message of the synchronization as a frame. */
export function syncFrame(channel: number, message: number, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const encoder = encoding.createEncoder();
  encoding.writeUint8(encoder, SYNC);
  encoding.writeVarUint(encoder, channel);
  encoding.writeVarUint(encoder, message);
  encoding.writeVarUint8Array(encoder, body);
  return encoding.toUint8Array(encoder) as Uint8Array<ArrayBuffer>;
}

/** Writes what this window tells of itself as a frame. */
export function awarenessFrame(channel: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const encoder = encoding.createEncoder();
  encoding.writeUint8(encoder, AWARENESS);
  encoding.writeVarUint(encoder, channel);
  encoding.writeUint8Array(encoder, payload);
  return encoding.toUint8Array(encoder) as Uint8Array<ArrayBuffer>;
}

/** Reads a frame; `null` when it is none that this version knows. */
export function readFrame(bytes: Uint8Array): Incoming | null {
  try {
    const decoder = decoding.createDecoder(bytes);
    const kind = decoding.readUint8(decoder);
    const channel = decoding.readVarUint(decoder);
    if (kind === AWARENESS) return { kind: "awareness", channel, body: decoding.readTailAsUint8Array(decoder) };
    const message = kind === SYNC ? SYNC_KINDS[decoding.readVarUint(decoder)] : undefined;
    return message ? { kind: message, channel, body: decoding.readVarUint8Array(decoder) } : null;
  } catch {
    return null;
  }
}
