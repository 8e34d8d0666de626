// Undo and redo of what one did on the board: two buttons and their keys.
import { Redo2, Undo2 } from "lucide-react";
import { useCallback, useEffect, useSyncExternalStore } from "react";
import { isTyping } from "@/features/board/keys";
import type { Channel } from "@/net/client";
import { IconButton } from "@/ui/Button";
import { Tip } from "@/ui/Tip";
import { client } from "./live";

/** The buttons. */
export function UndoButtons({ channel }: { channel: Channel }) {
  const { history } = channel;
  useSyncExternalStore(
    useCallback((listener) => history.subscribe(listener), [history]),
    () => history.version,
  );
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || isTyping(event.target)) return;
      const letter = event.key.toLowerCase();
      if (letter === "z") client.step(channel, event.shiftKey ? "redo" : "undo");
      else if (letter === "y" && !event.shiftKey) client.step(channel, "redo");
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, [channel]);
  return (
    <span className="flex max-[719px]:hidden">
      <Tip text="Undo" keys="Ctrl Z">
        <IconButton label="Undo" disabled={!history.canUndo} onClick={() => client.step(channel, "undo")}>
          <Undo2 size={16} />
        </IconButton>
      </Tip>
      <Tip text="Redo" keys="Ctrl ⇧ Z">
        <IconButton label="Redo" disabled={!history.canRedo} onClick={() => client.step(channel, "redo")}>
          <Redo2 size={16} />
        </IconButton>
      </Tip>
    </span>
  );
}
