// The documents that this window has open, on the window's one connection.
import type { Client } from "@/net/client";
import type { Extension, Line } from "@/net/extension";
import type { ServerFrame } from "@/wire";
import { readFrame } from "./frames";
import { keptDocs } from "./kept";
import { SharedDoc } from "./shared-doc";

/** A document that nobody uses any more is left after this time, when everything in it is saved. */
const LINGER_MS = 3_000;
/** A note that was just made may reach the server after the question for its text. */
const AGAIN_MS = 500;
const AGAIN = 20;

interface Entry {
  shared: SharedDoc;
  users: number;
  linger: ReturnType<typeof setTimeout> | undefined;
  reference: number | null;
  /** How often the server has said that there is no such thing. */
  misses: number;
}

/** All documents of a window. */
export class Docs implements Extension {
  private readonly line: Line;
  private readonly entries = new Map<string, Entry>();
  private isOpen = false;
  /** Numbers of `sub`; below zero, where topics have none. */
  private references = 0;

  constructor(client: Pick<Client, "extend">) {
    this.line = client.extend(this);
  }

  /** Opens a document, or shares it when it is open already. Every `use` needs one `release`. */
  use(id: string): SharedDoc {
    const known = this.entries.get(id);
    if (known) {
      clearTimeout(known.linger);
      known.users += 1;
      if (known.shared.state === "offline") this.join(known);
      return known.shared;
    }
    const entry: Entry = { shared: new SharedDoc(id, this.line), users: 1, linger: undefined, reference: null, misses: 0 };
    this.entries.set(id, entry);
    this.join(entry);
    return entry.shared;
  }

  /** Gives a document back. */
  release(shared: SharedDoc): void {
    const entry = this.entries.get(shared.id);
    if (!entry) return;
    entry.users -= 1;
    if (entry.users > 0) return;
    shared.awareness.setLocalState(null);
    this.planEnd(entry);
  }

  /** Brings what an earlier page kept to the server. */
  sendKept(): void {
    for (const id of keptDocs()) this.release(this.use(id));
  }

  opened(): void {
    this.isOpen = true;
    for (const entry of this.entries.values()) this.join(entry);
  }

  lost(): void {
    this.isOpen = false;
    for (const entry of this.entries.values()) {
      entry.reference = null;
      entry.shared.left();
    }
  }

  frame(frame: ServerFrame): boolean {
    switch (frame.t) {
      case "subok": {
        const entry = this.byReference(frame.id);
        if (!entry) return false;
        entry.reference = null;
        entry.misses = 0;
        entry.shared.joined(frame.epoch, frame.n ?? 0);
        return true;
      }
      case "saved":
        this.byTopic(frame.ch)?.shared.savedUpTo(frame.n);
        return true;
      case "error":
        return this.failed(frame);
      default:
        return false;
    }
  }

  binary(bytes: Uint8Array): void {
    const frame = readFrame(bytes);
    if (!frame) return;
    for (const { shared } of this.entries.values()) {
      if (!shared.has(frame.channel)) continue;
      if (frame.kind === "awareness") shared.receiveAwareness(frame.body);
      else shared.receive(frame.kind, frame.body);
    }
  }

  private failed(frame: Extract<ServerFrame, { t: "error" }>): boolean {
    const asked = frame.ref === undefined ? undefined : this.byReference(frame.ref);
    if (asked) {
      asked.reference = null;
      asked.shared.left({ code: frame.code, msg: frame.msg });
      asked.misses += 1;
      if (frame.code === "not_found" && asked.misses <= AGAIN) setTimeout(() => this.joinAgain(asked), AGAIN_MS);
      return true;
    }
    const entry = frame.ch === undefined ? undefined : this.byTopic(frame.ch);
    if (!entry) return false;
    if (frame.code === "gone") {
      // It is gone, or began anew: joining says which.
      entry.shared.left();
      this.join(entry);
    } else entry.shared.refused(frame.code, frame.msg);
    return true;
  }

  private join(entry: Entry): void {
    if (!this.isOpen || entry.reference !== null) return;
    this.references -= 1;
    entry.reference = this.references;
    entry.shared.join(entry.reference);
  }

  private joinAgain(entry: Entry): void {
    if (this.entries.get(entry.shared.id) === entry && entry.shared.state === "offline") this.join(entry);
  }

  private planEnd(entry: Entry): void {
    entry.linger = setTimeout(() => {
      const { shared } = entry;
      const isHopeless = shared.refusal !== null && shared.state === "offline" && entry.misses > AGAIN;
      if (!shared.isSaved && !isHopeless) {
        this.planEnd(entry);
        return;
      }
      this.entries.delete(shared.id);
      this.line.send({ t: "unsub", ch: shared.ch });
      shared.close(isHopeless);
    }, LINGER_MS);
  }

  private byReference(reference: number): Entry | undefined {
    for (const entry of this.entries.values()) if (entry.reference === reference) return entry;
    return undefined;
  }

  private byTopic(ch: string): Entry | undefined {
    return ch.startsWith("doc:") ? this.entries.get(ch.slice("doc:".length)) : undefined;
  }
}
