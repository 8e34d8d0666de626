// A shared text that can be written: the editor, and what the server says about it. Loaded when somebody
// is about to write, never with the page.
import { useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from "react";
import type { Channel } from "@/net/client";
import { cx } from "@/ui/cx";
import { type Editor, type EditorOptions, openEditor } from "./editor";
import type { SharedDoc } from "./shared-doc";
import { docs } from "./window";

/** An editor with its document, for whoever shows it. */
export interface OpenText {
  shared: SharedDoc;
  editor: Editor;
}

/** What an editor is made of. */
export interface TextEditorProps extends EditorOptions {
  /** The note or session. */
  id: string;
  /** Whose people give the carets their colours. */
  board: Channel;
  className?: string;
  isFocused?: boolean;
  /** What is there until the server has been heard; with it nothing can be written before. */
  before?: string;
  /** Called with the editor when it is there, and with `null` when it goes. */
  onOpen?: (open: OpenText | null) => void;
}

function useSharedDoc(id: string): SharedDoc | null {
  const [shared, setShared] = useState<SharedDoc | null>(null);
  useEffect(() => {
    const used = docs.use(id);
    setShared(used);
    return () => {
      setShared(null);
      docs.release(used);
    };
  }, [id]);
  useSyncExternalStore(
    (listener) => shared?.subscribe(listener) ?? (() => undefined),
    () => shared?.version ?? -1,
  );
  return shared;
}

/** Takes the newest functions each time they are called: the editor is made only once. */
function useLatest<T>(value: T): { readonly current: T } {
  const ref = useRef(value);
  useLayoutEffect(() => {
    ref.current = value;
  });
  return ref;
}

/** The editor. */
export default function TextEditor(props: TextEditorProps) {
  const { id, board, className, isFocused, before } = props;
  const shared = useSharedDoc(id);
  const host = useRef<HTMLDivElement>(null);
  const latest = useLatest(props);
  const doc = shared?.doc;
  const isReady = shared !== null && (shared.isSynced || !before);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another history is another document in the same place
  useEffect(() => {
    if (!isReady || !host.current) return;
    shared.slotOf = (user) => {
      for (const { identity } of board.peers.all()) if (identity.user === user) return identity.slot;
      return undefined;
    };
    const { keys, label, most, placeholder } = latest.current;
    const editor = openEditor(host.current, shared, {
      keys,
      label,
      most,
      placeholder,
      onFocus: () => latest.current.onFocus?.(),
      onBlur: () => latest.current.onBlur?.(),
      onText: (text, isOwn) => latest.current.onText?.(text, isOwn),
    });
    if (latest.current.isFocused) {
      editor.view.focus();
      editor.view.dispatch({ selection: { anchor: editor.view.state.doc.length } });
    }
    latest.current.onOpen?.({ shared, editor });
    return () => {
      latest.current.onOpen?.(null);
      editor.close();
    };
  }, [shared, doc, isReady, board]);
  const refusal = shared?.state === "live" ? shared.refusal : null;
  return (
    <>
      <div ref={host} className={cx("text-editor", className)} data-scroll data-focused={isFocused || undefined}>
        {!isReady && <div className="whitespace-pre-wrap">{before}</div>}
      </div>
      {refusal && (
        <div role="alert" className="absolute inset-x-0 bottom-0 bg-raised px-2 py-1 text-xs text-fail">
          Not saved: {refusal.msg}
        </div>
      )}
    </>
  );
}
