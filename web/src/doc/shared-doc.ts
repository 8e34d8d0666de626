// One text that several people write together: Yjs here, the daemon there. Frames come and go through
// `docs.ts`; the editor is in `editor.ts`.
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates } from "y-protocols/awareness";
import * as Y from "yjs";
import type { Line } from "@/net/extension";
import type { TakenDraft } from "@/wire";
import { fromBase64, toBase64 } from "./base64";
import { awarenessFrame, STEP_1, STEP_2, syncFrame, UPDATE } from "./frames";
import { keep, kept } from "./kept";

/** Keystrokes within this time go out together. */
const SEND_MS = 30;
/** What is not saved after this time is kept in the browser. */
const KEEP_MS = 250;

/** How a document stands with the server. */
export type DocState = "joining" | "live" | "offline";

/** Gives a person's colour slot on this board. */
export type SlotOf = (user: string) => number | undefined;

interface Person {
  id?: string;
  slot?: number;
  color?: string;
  colorLight?: string;
}

/** One document. Another history (`epoch`) makes `doc` anew; listeners hear of it. */
export class SharedDoc {
  doc = new Y.Doc();
  awareness = new Awareness(this.doc);
  state: DocState = "offline";
  epoch: string | null = null;
  /** Why the server does not take what was written; `null` while it does. */
  refusal: { code: string; msg: string } | null = null;
  /** Whether the server's text has come, or an earlier page's; before that an empty text means nothing. */
  isSynced = false;
  /** Raised with each change of `state`, `refusal` or `doc`. */
  version = 0;
  slotOf: SlotOf = () => undefined;
  private number = 0;
  private serverVector: Uint8Array | null = null;
  private waiting: Uint8Array[] = [];
  private sendTimer: ReturnType<typeof setTimeout> | undefined;
  private keepTimer: ReturnType<typeof setTimeout> | undefined;
  private sent = 0;
  private saved = 0;
  private isDirty = false;
  private readonly listeners = new Set<() => void>();

  constructor(
    readonly id: string,
    private readonly line: Line,
  ) {
    this.listen();
    const before = kept(id);
    const state = before && fromBase64(before.state);
    if (before && state) {
      this.epoch = before.epoch;
      this.merge(state);
      this.isDirty = true;
      this.isSynced = true;
    }
  }

  get ch(): string {
    return `doc:${this.id}`;
  }

  get text(): Y.Text {
    return this.doc.getText("text");
  }

  /** Whether the server has everything that was written here. */
  get isSaved(): boolean {
    return !this.isDirty && this.waiting.length === 0 && this.saved >= this.sent;
  }

  /** Calls `listener` when the state changes; returns the way to stop it. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Asks to be let in. */
  join(reference: number): void {
    this.state = "joining";
    this.sent = 0;
    this.saved = 0;
    this.line.send({ t: "sub", id: reference, ch: this.ch });
    this.tell();
  }

  /** The server let us in: both sides now give each other what the other lacks. */
  joined(epoch: string, number: number): void {
    if (this.epoch !== null && this.epoch !== epoch) this.beginAnew();
    this.epoch = epoch;
    this.number = number;
    this.state = "live";
    this.refusal = null;
    this.line.sendBinary(syncFrame(number, STEP_1, Y.encodeStateVector(this.doc)));
    const mine = this.awareness.getLocalState();
    if (mine) this.awareness.setLocalState(mine);
    this.tell();
  }

  /** The connection is gone, or the server does not let us in. */
  left(refusal: SharedDoc["refusal"] = null): void {
    this.state = "offline";
    this.refusal = refusal;
    const others = [...this.awareness.getStates().keys()].filter((it) => it !== this.doc.clientID);
    removeAwarenessStates(this.awareness, others, this);
    // The next connection counts anew: what it says must not look old.
    for (const other of others) this.awareness.meta.delete(other);
    this.waiting = [];
    if (this.sent > this.saved) this.isDirty = true;
    this.tell();
  }

  /** The server refused an update. */
  refused(code: string, msg: string): void {
    this.isDirty = true;
    // What is missing is sent again anyway; nobody needs to hear of it.
    if (code === "conflict") return;
    this.refusal = { code, msg };
    this.tell();
  }

  /** The server has dealt with the first `count` updates. */
  savedUpTo(count: number): void {
    this.saved = count;
    if (count >= this.sent && this.refusal === null && this.waiting.length === 0) {
      this.isDirty = false;
      clearTimeout(this.keepTimer);
      this.keepTimer = undefined;
      keep(this.id, null);
    }
    this.tell();
  }

  /** Takes a message of the synchronization. */
  receive(kind: "step1" | "step2" | "update", body: Uint8Array): void {
    if (kind !== "step1") {
      this.merge(body);
      if (kind === "update" || this.isSynced) return;
      this.isSynced = true;
      this.tell();
      return;
    }
    this.serverVector = body;
    this.waiting = [];
    this.refusal = null;
    this.sent += 1;
    this.line.sendBinary(syncFrame(this.number, STEP_2, Y.encodeStateAsUpdate(this.doc, body)));
  }

  /** Takes what others tell of themselves. */
  receiveAwareness(body: Uint8Array): void {
    applyAwarenessUpdate(this.awareness, body, this);
  }

  /** Whether binary frames of this number are meant for it. */
  has(number: number): boolean {
    return this.state === "live" && this.number === number;
  }

  /** The text as it stands here, with what takes exactly it out of the document; `null` while offline. */
  take(): { text: string; draft: TakenDraft } | null {
    if (this.state !== "live" || this.epoch === null) return null;
    const text = this.text.toString();
    const copy = new Y.Doc();
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(this.doc));
    let cleared: Uint8Array = new Uint8Array([0, 0]);
    copy.on("update", (update: Uint8Array) => {
      cleared = update;
    });
    const words = copy.getText("text");
    words.delete(0, words.length);
    copy.destroy();
    const update = Y.encodeStateAsUpdate(this.doc, this.serverVector ?? undefined);
    return { text, draft: { epoch: this.epoch, update: toBase64(update), clear: toBase64(cleared) } };
  }

  /** Ends it; what is not saved stays kept in the browser, unless it belongs to nothing any more. */
  close(isForgotten: boolean): void {
    clearTimeout(this.sendTimer);
    this.flush();
    if (this.keepTimer !== undefined) this.keepNow();
    if (isForgotten) keep(this.id, null);
    this.awareness.destroy();
    this.doc.destroy();
  }

  private listen(): void {
    const { doc, awareness } = this;
    // Only who has an editor open is to be seen.
    awareness.setLocalState(null);
    doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin === this || this.doc !== doc) return;
      this.isDirty = true;
      this.plan(update);
    });
    awareness.on("update", (_changes: unknown, origin: unknown) => {
      if (origin !== "local" || this.state !== "live") return;
      this.line.sendBinary(awarenessFrame(this.number, encodeAwarenessUpdate(awareness, [doc.clientID])));
    });
    awareness.on("change", () => this.colour());
  }

  /** Gives everybody the colour that they have on the board. */
  private colour(): void {
    for (const [client, state] of this.awareness.getStates()) {
      const user = state.user as Person | undefined;
      if (!user || client === this.doc.clientID) continue;
      const slot = (this.slotOf(user.id ?? "") ?? user.slot ?? 0) % 12;
      user.color = `var(--slot-${slot})`;
      user.colorLight = `color-mix(in srgb, var(--slot-${slot}) 24%, transparent)`;
    }
  }

  private plan(update: Uint8Array): void {
    this.keepTimer ??= setTimeout(() => this.keepNow(), KEEP_MS);
    if (this.state !== "live") return;
    this.waiting.push(update);
    this.sendTimer ??= setTimeout(() => this.flush(), SEND_MS);
  }

  private flush(): void {
    this.sendTimer = undefined;
    if (this.state !== "live" || this.waiting.length === 0) return;
    // After a refusal single changes would build on what never came: everything that is missing goes.
    const update =
      this.refusal !== null && this.serverVector !== null
        ? Y.encodeStateAsUpdate(this.doc, this.serverVector)
        : Y.mergeUpdates(this.waiting);
    this.waiting = [];
    this.refusal = null;
    this.sent += 1;
    this.line.sendBinary(syncFrame(this.number, UPDATE, update));
  }

  private keepNow(): void {
    this.keepTimer = undefined;
    if (this.isSaved) return;
    keep(this.id, { epoch: this.epoch, state: toBase64(Y.encodeStateAsUpdate(this.doc)) });
  }

  private merge(update: Uint8Array): void {
    Y.applyUpdate(this.doc, update, this);
  }

  /** The server's document has another history: what is here belongs to one that is gone. */
  private beginAnew(): void {
    this.awareness.destroy();
    this.doc.destroy();
    this.doc = new Y.Doc();
    this.awareness = new Awareness(this.doc);
    this.serverVector = null;
    this.waiting = [];
    this.isDirty = false;
    this.isSynced = false;
    keep(this.id, null);
    this.listen();
  }

  private tell(): void {
    this.version += 1;
    for (const listener of this.listeners) listener();
  }
}
