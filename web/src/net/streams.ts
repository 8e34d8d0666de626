// Text that is being written: pieces with absolute offsets, joined per message.
// Offsets count UTF-16 code units, which is what `String.length` counts.
import type { Event } from "@/wire";
import type { TopicStore } from "./topic";

/** Live texts of one session's messages. */
export class StreamTexts {
  private readonly texts = new Map<string, string>();
  private readonly listeners = new Map<string, Set<() => void>>();
  private readonly everybody = new Set<() => void>();

  /**
   * Puts a piece at its offset. A piece may overlap what is there (after a resume all text comes again).
   * `gap` means that something between is missing; nothing is changed then.
   */
  put(message: string, offset: number, piece: string, known = ""): "ok" | "gap" {
    const text = this.texts.get(message) ?? known;
    if (offset > text.length) return "gap";
    this.texts.set(message, text.slice(0, offset) + piece);
    this.tell(message);
    return "ok";
  }

  /** The text so far, when the message streams. */
  get(message: string): string | undefined {
    return this.texts.get(message);
  }

  /** Forgets a message's live text: its event holds the truth now. */
  end(message: string): void {
    if (this.texts.delete(message)) this.tell(message);
  }

  /** Forgets everything: a snapshot came, and after it the live texts come anew. */
  clear(): void {
    for (const message of [...this.texts.keys()]) this.end(message);
  }

  /** Calls `listener` with each change of this message's text; returns the way to stop it. */
  subscribe(message: string, listener: () => void): () => void {
    const listeners = this.listeners.get(message) ?? new Set();
    this.listeners.set(message, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.listeners.delete(message);
    };
  }

  /** Calls `listener` with each change of any text; returns the way to stop it. */
  subscribeAll(listener: () => void): () => void {
    this.everybody.add(listener);
    return () => this.everybody.delete(listener);
  }

  private tell(message: string): void {
    for (const listener of this.listeners.get(message) ?? []) listener();
    for (const listener of this.everybody) listener();
  }
}

function isRunningTool(body: unknown): boolean {
  if (typeof body !== "object" || body === null || !("kind" in body) || body.kind !== "tool") return false;
  return "state" in body && (body.state === "running" || body.state === "awaiting_approval");
}

/** Whether a message's text may still grow; `undefined` is a message that is not known yet. */
function isGrowing(v: Record<string, unknown> | undefined): boolean {
  return v === undefined || v.is_streaming === true || isRunningTool(v.body);
}

/** What texts need of a topic. */
interface Texts {
  store: TopicStore;
  streams: StreamTexts;
}

/** Takes a piece of text in; `gap` means that the topic must be joined anew. Text of an ended message is nothing. */
export function takePiece({ store, streams }: Texts, message: string, offset: number, piece: string): "ok" | "gap" {
  const known = store.get(message)?.v;
  if (!isGrowing(known)) return "ok";
  return streams.put(message, offset, piece, typeof known?.text === "string" ? known.text : "");
}

/** A text set by an event is the truth; without one the text that streamed in stays what it is. */
export function endTexts({ streams }: Texts, events: readonly Event[]): void {
  for (const op of events.flatMap((event) => event.ops)) {
    if (op.op === "del" || (op.op === "set" && op.k === "text")) streams.end(op.id);
  }
}
