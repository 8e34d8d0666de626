// How topics are joined: one question at a time, from what is there already, later when the server is
// busy, and with streamed text only while somebody reads it (rules RT-03, RT-10 and RT-29).
import type { ClientFrame } from "@/wire";
import type { TopicStore } from "./topic";

/** Who looks away for a moment keeps the text: cards change what they show of a session while one zooms. */
export const LOOK_AWAY_MS = 300;

/** What joining needs of a topic. */
export interface Joinable {
  readonly ch: string;
  readonly store: TopicStore;
  /** While what is kept of it is being read, it is not joined. */
  isOpening: boolean;
  /** The question that is not answered yet. */
  subscription: number | null;
  /** Places on screen where its streamed text is read. */
  readers: number;
  /** Whether its text is wanted, and whether the last question said so. */
  isTextWanted: boolean;
  isTextAsked: boolean;
  /** Looks again whether anybody reads. */
  lookAway: ReturnType<typeof setTimeout> | undefined;
  /** Asks again when the server said so. */
  later: ReturnType<typeof setTimeout> | undefined;
}

/** What a topic begins with. */
export function unjoined(isTextWanted: boolean) {
  return { subscription: null, readers: 0, isTextWanted, isTextAsked: isTextWanted, lookAway: undefined, later: undefined };
}

/** Asks for topics. */
export class Joining {
  private count = 0;

  constructor(
    private readonly isOpen: () => boolean,
    private readonly send: (frame: ClientFrame) => boolean,
  ) {}

  /** Joins, or resumes from what is there already. One at a time per topic: a gap asks only once. */
  sub(entry: Joinable): void {
    if (!this.isOpen() || entry.subscription !== null || entry.isOpening || entry.later !== undefined) return;
    this.count += 1;
    entry.subscription = this.count;
    entry.isTextAsked = entry.isTextWanted;
    const { epoch, seq } = entry.store;
    const from = epoch === null ? {} : { epoch, seq };
    const text = entry.isTextAsked ? {} : { text: false };
    this.send({ t: "sub", id: entry.subscription, ch: entry.ch, ...from, ...text });
  }

  /** The question was answered; what was wished for meanwhile is asked now. */
  joined(entry: Joinable): void {
    entry.subscription = null;
    this.reconcile(entry);
  }

  /** The server has too much to do: it is asked again at the time that it named, and never by all at once. */
  postpone(entry: Joinable, ms: number): void {
    entry.subscription = null;
    clearTimeout(entry.later);
    entry.later = setTimeout(
      () => {
        entry.later = undefined;
        this.sub(entry);
      },
      ms * (1 + Math.random()),
    );
  }

  /** The connection or the topic is gone: nothing is asked any more. */
  lost(entry: Joinable): void {
    entry.subscription = null;
    clearTimeout(entry.later);
    entry.later = undefined;
  }

  /** Streamed text is read somewhere on screen; returns the way to stop. */
  read(entry: Joinable): () => void {
    this.countReaders(entry, 1);
    return () => this.countReaders(entry, -1);
  }

  /** Whether text is wanted at all has changed: the page was hidden, or is seen again. */
  look(entry: Joinable, isSeen = document.visibilityState !== "hidden"): void {
    clearTimeout(entry.lookAway);
    entry.lookAway = undefined;
    if (entry.readers > 0 && isSeen) this.want(entry, true);
    else entry.lookAway = setTimeout(() => this.want(entry, false), LOOK_AWAY_MS);
  }

  private countReaders(entry: Joinable, change: number): void {
    entry.readers += change;
    this.look(entry);
  }

  private want(entry: Joinable, isWanted: boolean): void {
    if (!entry.ch.startsWith("session:")) return;
    entry.isTextWanted = isWanted;
    this.reconcile(entry);
  }

  private reconcile(entry: Joinable): void {
    if (entry.isTextWanted !== entry.isTextAsked) this.sub(entry);
  }
}
