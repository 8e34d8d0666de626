// Copy, cut, paste and drop on the board, by the events of the browser.
import { useEffect } from "react";
import { type Point, toBoard } from "@/board/geometry";
import { randomUuid } from "@/net/ids";
import type { BoardActions } from "./actions";
import { CLIPBOARD_TYPE, type Copied, readCopied, wordsOf } from "./clipboard";
import { adopted, sendImages } from "./images";
import { isTyping } from "./keys";

const NOTE_TEXT_MAX = 20_000;

/** What was copied last, for the menu: it may not read the clipboard of the system. */
let held: Copied | null = null;

/** Whether something was copied in this window. */
export function hasCopied(): boolean {
  return held !== null;
}

/** Pastes what was copied in this window. */
export async function pasteHeld(actions: BoardActions, at: Point): Promise<void> {
  if (held) actions.paste(await adopted(actions, held), at);
}

/** Makes a note of words from another program. */
function noteOf(actions: BoardActions, text: string, at: Point): void {
  const v = {
    pos: [0, 0] as [number, number],
    size: [220, 132] as [number, number],
    text: text.slice(0, NOTE_TEXT_MAX),
    color: "amber" as const,
  };
  const object = { id: randomUuid(), kind: "note", v: { ...v, ord: "", is_locked: false, created_by: "" } };
  actions.paste({ v: 1, board: "", objects: [object] }, at);
}

/** Listens while the board is there. */
export function useClipboard(actions: BoardActions): void {
  useEffect(() => {
    const { engine } = actions;
    const { root } = engine.layers;
    const stop = new AbortController();
    const { signal } = stop;
    let pointer: Point | null = null;
    const boardPoint = (event: MouseEvent): Point => {
      const box = root.getBoundingClientRect();
      return toBoard(engine.view, event.clientX - box.left, event.clientY - box.top);
    };
    const isOurs = (event: Event) => !isTyping(event.target) && (getSelection()?.isCollapsed ?? true);

    const copy = (event: ClipboardEvent, isCut: boolean) => {
      const copied = actions.copied(engine.state.selected);
      if (!isOurs(event) || copied.objects.length === 0 || !event.clipboardData) return;
      held = copied;
      event.clipboardData.setData(CLIPBOARD_TYPE, JSON.stringify(copied));
      event.clipboardData.setData("text/plain", wordsOf(copied));
      event.preventDefault();
      if (isCut) actions.remove(engine.state.selected);
    };
    const take = async (data: DataTransfer, at: Point) => {
      if (!engine.state.canEdit) return;
      const files = [...data.files];
      const copied = readCopied(data.getData(CLIPBOARD_TYPE));
      const text = data.getData("text/plain").trim();
      if (copied) actions.paste(await adopted(actions, copied), at);
      else if (files.some((file) => file.type.startsWith("image/"))) await sendImages(actions, files, at);
      else if (text) noteOf(actions, text, at);
    };
    const paste = (event: ClipboardEvent) => {
      if (!isOurs(event) || !event.clipboardData) return;
      event.preventDefault();
      void take(event.clipboardData, pointer ?? engine.middle);
    };

    document.addEventListener("copy", (event) => copy(event, false), { signal });
    document.addEventListener("cut", (event) => copy(event, true), { signal });
    document.addEventListener("paste", paste, { signal });
    root.addEventListener("pointermove", (event) => (pointer = boardPoint(event)), { signal });
    root.addEventListener("pointerleave", () => (pointer = null), { signal });
    root.addEventListener("dragover", (event) => event.preventDefault(), { signal });
    root.addEventListener(
      "drop",
      (event) => {
        event.preventDefault();
        if (event.dataTransfer) void take(event.dataTransfer, boardPoint(event));
      },
      { signal },
    );
    return () => stop.abort();
  }, [actions]);
}
