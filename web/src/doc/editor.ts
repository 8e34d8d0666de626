// The editor of a shared text: CodeMirror bound to Yjs, with the carets of others. No React here.
import { defaultKeymap } from "@codemirror/commands";
import { EditorState, type Extension, Prec } from "@codemirror/state";
import { EditorView, type KeyBinding, keymap, placeholder } from "@codemirror/view";
import { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
import * as Y from "yjs";
import type { SharedDoc } from "./shared-doc";

/** How an editor is to be. */
export interface EditorOptions {
  /** What a screen reader says. */
  label: string;
  placeholder?: string;
  /** Bytes (UTF-8) that the text may have. */
  most: number;
  keys: readonly KeyBinding[];
  onFocus?: () => void;
  onBlur?: () => void;
  /** Called after each change of the text; `isOwn` tells whether it was typed here. */
  onText?: (text: string, isOwn: boolean) => void;
}

/** An editor that is shown. */
export interface Editor {
  view: EditorView;
  close(): void;
}

const encoder = new TextEncoder();

/** What would make the text too long is not typed: the server would refuse it. */
function bounded(most: number): Extension {
  return EditorState.changeFilter.of((transaction) => {
    const isOwn = transaction.isUserEvent("input") || transaction.isUserEvent("move");
    // A character has at most three bytes per UTF-16 unit: short texts need no counting.
    if (!isOwn || transaction.newDoc.length * 3 <= most) return true;
    return encoder.encode(transaction.newDoc.toString()).length <= most;
  });
}

/** Opens an editor in an element. */
export function openEditor(parent: HTMLElement, shared: SharedDoc, options: EditorOptions): Editor {
  const { text, awareness } = shared;
  awareness.setLocalState({});
  const undoManager = new Y.UndoManager(text);
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text.toString(),
      extensions: [
        Prec.highest(keymap.of([...options.keys])),
        keymap.of([...yUndoManagerKeymap, ...defaultKeymap]),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": options.label, spellcheck: "true", autocapitalize: "sentences" }),
        placeholder(options.placeholder ?? ""),
        bounded(options.most),
        EditorView.domEventHandlers({
          focus: () => {
            options.onFocus?.();
          },
          blur: () => {
            // Nobody points into a text that they have left.
            if (awareness.getLocalState()) awareness.setLocalStateField("cursor", null);
            options.onBlur?.();
          },
        }),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          const isOwn = update.transactions.some((it) => it.isUserEvent("input") || it.isUserEvent("delete"));
          options.onText?.(update.state.doc.toString(), isOwn);
        }),
        yCollab(text, awareness, { undoManager }),
      ],
    }),
  });
  return {
    view,
    close() {
      view.destroy();
      undoManager.destroy();
    },
  };
}
