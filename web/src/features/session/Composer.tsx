// Where one writes to the agent. The draft survives a reload.
import { useMutation } from "@tanstack/react-query";
import { ArrowUp } from "lucide-react";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useConnection, usePeersVersion } from "@/app/live";
import { recall, remember } from "@/app/storage";
import { isTyping } from "@/features/board/keys";
import { api } from "@/net/api";
import type { Channel } from "@/net/client";
import { toastProblem } from "@/ui/toasts";
import type { RunState } from "@/wire";
import { isBusy } from "./state";

const TYPING_MS = 4_000;
const MAX_HEIGHT_PX = 240;

/** Who else writes to this session right now. */
function Typing({ board, id }: { board: Channel; id: string }) {
  usePeersVersion(board.peers);
  const names = [...board.peers.all()].filter((peer) => peer.presence.typing === `session:${id}`).map((peer) => peer.identity.name);
  const unique = [...new Set(names)];
  return (
    <div aria-live="off" className="h-4 truncate px-1 text-2xs text-muted">
      {unique.length > 0 && `${unique.join(", ")} ${unique.length === 1 ? "is" : "are"} writing…`}
    </div>
  );
}

/** The draft of a session's next prompt, and the telling of others that one writes. */
function useDraft(id: string, board: Channel) {
  const [text, setText] = useState(() => recall(`draft.${id}`) ?? "");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const change = (next: string) => {
    setText(next);
    remember(`draft.${id}`, next || null);
    clearTimeout(timer.current);
    board.presence.set({ typing: next ? `session:${id}` : null });
    if (next) timer.current = setTimeout(() => board.presence.set({ typing: null }), TYPING_MS);
  };
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      board.presence.set({ typing: null });
    },
    [board],
  );
  return { text, change };
}

/** The field. `R` puts the focus into it. */
export function Composer({ id, board, state }: { id: string; board: Channel; state: RunState }) {
  const { text, change } = useDraft(id, board);
  const ref = useRef<HTMLTextAreaElement>(null);
  const { state: connection } = useConnection();
  const send = useMutation({
    mutationFn: (prompt: string) => api.sessions.prompt(id, prompt),
    onError: (error, prompt) => {
      toastProblem(error);
      // Nothing typed is ever lost: it comes back, before whatever was written meanwhile.
      const newer = ref.current?.value ?? "";
      change(newer ? `${prompt}\n${newer}` : prompt);
    },
  });
  const canSend = text.trim() !== "" && connection === "live" && !send.isPending;
  const submit = () => {
    if (!canSend) return;
    const prompt = text.trim();
    change("");
    send.mutate(prompt);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    element.style.height = "0";
    element.style.height = `${Math.min(MAX_HEIGHT_PX, element.scrollHeight)}px`;
  }, [text]);
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "r" || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      ref.current?.focus();
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, []);
  const hint =
    connection !== "live"
      ? "Offline: the draft is kept"
      : isBusy(state)
        ? "Enter queues it behind the present task"
        : "Enter sends, ⇧ Enter makes a line";
  return (
    <form
      className="shrink-0 px-3 pb-2"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Typing board={board} id={id} />
      <div className="flex items-end gap-2 rounded-lg border border-strong bg-surface py-1.5 pr-1.5 pl-3 focus-within:border-focus">
        <textarea
          ref={ref}
          rows={1}
          aria-label="Prompt"
          placeholder="What should the agent do?"
          value={text}
          onChange={(event) => change(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
            event.preventDefault();
            submit();
          }}
          className="min-h-7 flex-1 resize-none bg-transparent py-1 text-base leading-5 outline-none max-[719px]:min-h-10 max-[719px]:py-2.5"
        />
        <button
          type="submit"
          aria-label="Send"
          disabled={!canSend}
          className="inline-flex size-7 shrink-0 items-center justify-center rounded-md bg-ink text-on-ink disabled:opacity-35 max-[719px]:size-10"
        >
          <ArrowUp size={16} strokeWidth={2.5} />
        </button>
      </div>
      <div className="mt-1 h-4 truncate px-1 text-2xs text-muted">{hint}</div>
    </form>
  );
}
