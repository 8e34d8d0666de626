// Where one writes to the agent: one draft for all who have the session open. It is kept by the server,
// and by the browser while the server is away.
import { useMutation } from "@tanstack/react-query";
import { ArrowUp } from "lucide-react";
import { type ComponentType, useCallback, useEffect, useRef, useState } from "react";
import { useConnection, usePeersVersion } from "@/app/live";
import { recall, remember } from "@/app/storage";
import type { OpenText, TextEditorProps } from "@/doc/TextEditor";
import { isTyping } from "@/features/board/keys";
import { api } from "@/net/api";
import type { Channel } from "@/net/client";
import { toastProblem } from "@/ui/toasts";
import type { RunState, TakenDraft } from "@/wire";
import { isBusy } from "./state";

const TYPING_MS = 4_000;
const PROMPT_BYTES = 256 * 1024;

/** What is sent: the words, and what takes them out of the draft for everybody. */
interface Prompt {
  text: string;
  draft?: TakenDraft;
}

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

/** Tells others that one writes. */
function useTelling(id: string, board: Channel): (text: string) => void {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      board.presence.set({ typing: null });
    },
    [board],
  );
  return useCallback(
    (text) => {
      clearTimeout(timer.current);
      board.presence.set({ typing: text ? `session:${id}` : null });
      if (text) timer.current = setTimeout(() => board.presence.set({ typing: null }), TYPING_MS);
    },
    [id, board],
  );
}

/** The shared editor, once it is loaded; `null` before, and when it cannot be loaded. */
function useEditor(): ComponentType<TextEditorProps> | null {
  const [editor, setEditor] = useState<ComponentType<TextEditorProps> | null>(null);
  useEffect(() => {
    let isOver = false;
    import("@/doc/TextEditor").then(
      (loaded) => isOver || setEditor(() => loaded.default),
      // Without it the plain field stays: prompts go out all the same.
      () => undefined,
    );
    return () => {
      isOver = true;
    };
  }, []);
  return editor;
}

/** `R` puts the focus into the field. */
function useFocusKey(focus: () => void): void {
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "r" || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      focus();
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, [focus]);
}

/** Words that were written here before the shared draft was there: from the plain field, or an older page. */
function putEarlier(open: OpenText, id: string, plain: string): void {
  const earlier = [recall(`draft.${id}`) ?? "", plain].filter((it) => it !== "").join("\n");
  remember(`draft.${id}`, null);
  if (earlier !== "") open.shared.text.insert(open.shared.text.length, earlier);
}

/** The draft of a session's next prompt. */
function useDraft(id: string, board: Channel) {
  const [text, setText] = useState("");
  const [open, setOpen] = useState<OpenText | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const tell = useTelling(id, board);
  const plain = useRef("");
  const onPlain = (words: string) => {
    plain.current = words;
    setText(words);
    tell(words);
  };
  const onOpen = useCallback(
    (now: OpenText | null) => {
      setOpen(now);
      if (!now) return;
      const wasFocused = document.activeElement === field.current && field.current !== null;
      putEarlier(now, id, plain.current);
      plain.current = "";
      setText(now.shared.text.toString());
      if (wasFocused) now.editor.view.focus();
    },
    [id],
  );
  const onText = useCallback(
    (words: string, isOwn: boolean) => {
      setText(words);
      if (isOwn) tell(words);
    },
    [tell],
  );
  const focus = useCallback(() => (open ? open.editor.view.focus() : field.current?.focus()), [open]);
  /** What to send now; `null` when there is nothing, or nobody to send it to. */
  const take = useCallback((): Prompt | null => {
    if (!open) return plain.current.trim() === "" ? null : { text: plain.current.trim() };
    const taken = open.shared.take();
    return taken && taken.text.trim() !== "" ? taken : null;
  }, [open]);
  return { text, field, onPlain, onOpen, onText, focus, take, tell, isPlain: open === null };
}

/** The field. */
export function Composer({ id, board, state }: { id: string; board: Channel; state: RunState }) {
  const draft = useDraft(id, board);
  const { state: connection } = useConnection();
  const Editor = useEditor();
  useFocusKey(draft.focus);
  const send = useMutation({
    mutationFn: (prompt: Prompt) => api.sessions.prompt(id, prompt),
    onSuccess: (_task, prompt) => {
      if (!prompt.draft) draft.onPlain("");
      draft.tell("");
    },
    // What was not sent is still in the draft.
    onError: toastProblem,
  });
  const canSend = draft.text.trim() !== "" && connection === "live" && !send.isPending;
  const submit = () => {
    const prompt = canSend ? draft.take() : null;
    if (prompt) send.mutate(prompt);
    return true;
  };
  const newest = useRef(submit);
  newest.current = submit;
  const [keys] = useState(() => [{ key: "Enter", run: () => newest.current() }]);
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
      <div className="composer relative flex items-end gap-2 rounded-lg border border-strong bg-surface py-1.5 pr-1.5 pl-3 focus-within:border-focus">
        {draft.isPlain && (
          <textarea
            ref={draft.field}
            rows={1}
            aria-label="Prompt"
            placeholder="What should the agent do?"
            onChange={(event) => draft.onPlain(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
              event.preventDefault();
              submit();
            }}
            className="field-sizing-content max-h-60 min-h-7 flex-1 resize-none bg-transparent py-1 text-base leading-5 outline-none max-[719px]:min-h-10 max-[719px]:py-2.5"
          />
        )}
        {Editor && (
          <Editor
            id={id}
            board={board}
            label="Prompt"
            placeholder="What should the agent do?"
            most={PROMPT_BYTES}
            keys={keys}
            onOpen={draft.onOpen}
            onText={draft.onText}
            className={draft.isPlain ? "hidden" : "min-w-0 flex-1"}
          />
        )}
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
