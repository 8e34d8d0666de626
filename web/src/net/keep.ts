// What outlives a reload: changes that the server has not answered, and the last known state of a board.
// IndexedDB may be switched off or full; then nothing is kept and everything else works.
import type { Op, TopicObject } from "@/wire";

/** An unanswered change. */
export interface KeptChange {
  mid: string;
  ch: string;
  /** Who made it: it is not sent in somebody else's name. */
  user: string | null;
  /** Order among all that are kept. */
  at: number;
  ops: Op[];
}

/** The last known state of a topic. */
export interface KeptState {
  ch: string;
  user: string | null;
  at: number;
  epoch: string;
  seq: number;
  state: Record<string, TopicObject>;
}

/** Where things are kept: a seam for tests. */
export interface Keep {
  /** What is kept of a topic; never rejects, and may take long on a busy computer. */
  load(ch: string): Promise<{ changes: KeptChange[]; state: KeptState | null }>;
  putChange(change: KeptChange): void;
  removeChange(mid: string): void;
  putState(state: KeptState): void;
  removeState(ch: string): void;
}

const DATABASE = "grove";
const VERSION = 1;
const CHANGES = "changes";
const STATES = "states";
/** Boards whose state is kept; the one that was not open for longest goes first. */
const STATES_MAX = 8;
/** Objects of one kept state; a larger board is read from the server. */
export const STATE_OBJECTS_MAX = 5_000;

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function open(): Promise<IDBDatabase | null> {
  return new Promise((resolve) => {
    try {
      const request = indexedDB.open(DATABASE, VERSION);
      request.onupgradeneeded = () => {
        request.result.createObjectStore(CHANGES, { keyPath: "mid" }).createIndex("ch", "ch");
        request.result.createObjectStore(STATES, { keyPath: "ch" });
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
}

/** Keeps things in the browser's database. */
export class BrowserKeep implements Keep {
  private readonly database = open();
  private isPruned = false;

  async load(ch: string): Promise<{ changes: KeptChange[]; state: KeptState | null }> {
    try {
      const database = await this.database;
      if (!database) return { changes: [], state: null };
      const transaction = database.transaction([CHANGES, STATES]);
      const [changes, state] = await Promise.all([
        done<KeptChange[]>(transaction.objectStore(CHANGES).index("ch").getAll(ch)),
        done<KeptState | undefined>(transaction.objectStore(STATES).get(ch)),
      ]);
      return { changes: changes.sort((a, b) => a.at - b.at), state: state ?? null };
    } catch {
      return { changes: [], state: null };
    }
  }

  putChange(change: KeptChange): void {
    void this.write(CHANGES, (store) => store.put(change));
  }

  removeChange(mid: string): void {
    void this.write(CHANGES, (store) => store.delete(mid));
  }

  putState(state: KeptState): void {
    void this.write(STATES, (store) => store.put(state));
    if (this.isPruned) return;
    this.isPruned = true;
    void this.write(STATES, (store) => {
      const all = store.getAll();
      all.onsuccess = () => {
        const oldest = (all.result as KeptState[]).sort((a, b) => b.at - a.at).slice(STATES_MAX);
        for (const { ch } of oldest) store.delete(ch);
      };
    });
  }

  removeState(ch: string): void {
    void this.write(STATES, (store) => store.delete(ch));
  }

  private async write(name: string, act: (store: IDBObjectStore) => unknown): Promise<void> {
    try {
      const database = await this.database;
      if (database) act(database.transaction(name, "readwrite").objectStore(name));
    } catch {
      // Switched off or full: it is held as long as the page is.
    }
  }
}
