// Documents with words that the server does not have yet, kept across reloads. No Yjs here, so that the
// first load can look whether there are any.
import { recall, remember } from "@/app/storage";

const INDEX = "docs.kept";
/** Larger than this a document is kept only while the page lives. */
export const KEPT_CHARS = 400_000;
const MOST = 50;

/** What is kept of one document. */
export interface Kept {
  /** History that it belongs to; `null` when the server was never reached. */
  epoch: string | null;
  /** Its state, in Base64. */
  state: string;
}

/** Ids of the documents that are kept. */
export function keptDocs(): string[] {
  return (recall(INDEX) ?? "").split(",").filter((id) => id !== "");
}

/** What is kept of a document. */
export function kept(id: string): Kept | null {
  const text = recall(`doc.${id}`);
  const colon = text?.indexOf(":") ?? -1;
  if (!text || colon < 0) return null;
  return { epoch: text.slice(0, colon) || null, state: text.slice(colon + 1) };
}

/** Keeps a document, or forgets it. */
export function keep(id: string, value: Kept | null): void {
  const others = keptDocs().filter((it) => it !== id);
  const isKept = value !== null && value.state.length <= KEPT_CHARS;
  remember(`doc.${id}`, isKept ? `${value.epoch ?? ""}:${value.state}` : null);
  const ids = isKept ? [...others, id].slice(-MOST) : others;
  for (const dropped of others.filter((it) => !ids.includes(it))) remember(`doc.${dropped}`, null);
  remember(INDEX, ids.join(",") || null);
}
