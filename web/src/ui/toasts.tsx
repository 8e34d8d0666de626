// Short messages about what one just did. Lasting states have their own place on the screen.
import { CircleAlert, CircleCheck, X } from "lucide-react";
import { create } from "zustand";
import { problemFrom } from "@/net/rest";
import { IconButton } from "./Button";

interface Toast {
  id: number;
  kind: "done" | "problem";
  text: string;
  hint?: string | undefined;
}

/** Toasts on screen at once; the oldest goes first. */
const MOST = 3;
const SHOWN_MS = 7_000;

const useToasts = create<{ toasts: Toast[] }>(() => ({ toasts: [] }));
let last = 0;

function close(id: number): void {
  useToasts.setState(({ toasts }) => ({ toasts: toasts.filter((it) => it.id !== id) }));
}

function show(toast: Omit<Toast, "id">): void {
  last += 1;
  const id = last;
  useToasts.setState(({ toasts }) => ({ toasts: [...toasts.filter((it) => it.text !== toast.text), { ...toast, id }].slice(-MOST) }));
  setTimeout(() => close(id), SHOWN_MS);
}

/** Says that something worked. */
export function toastDone(text: string): void {
  show({ kind: "done", text });
}

/** Says that something did not work, and what to do about it. */
export function toastProblem(error: unknown): void {
  const problem = problemFrom(error);
  const fields = (problem.errors ?? []).map((field) => `${field.field}: ${field.message}`);
  show({ kind: "problem", text: [problem.detail, ...fields].join(" "), hint: problem.hint });
}

/** Says why something was taken back, or was not done at all. */
export function toastRefusal(text: string, hint = "The change was taken back."): void {
  show({ kind: "problem", text, hint: hint || undefined });
}

/** The place where toasts appear. */
export function Toasts() {
  const toasts = useToasts((state) => state.toasts);
  return (
    <div
      role="status"
      aria-live="polite"
      className="pointer-events-none fixed bottom-10 left-3 z-50 flex w-90 max-w-[calc(100vw-24px)] flex-col gap-2"
    >
      {toasts.map((toast) => (
        <div
          key={toast.id}
          className="pop pointer-events-auto flex items-start gap-2 rounded-lg border border-strong bg-raised py-2 pr-1 pl-3 shadow-(--float)"
        >
          {toast.kind === "done" ? (
            <CircleCheck size={16} className="mt-0.5 shrink-0 text-run" />
          ) : (
            <CircleAlert size={16} className="mt-0.5 shrink-0 text-fail" />
          )}
          <div className="min-w-0 flex-1 break-words">
            {toast.text}
            {toast.hint && <div className="text-muted">{toast.hint}</div>}
          </div>
          <IconButton label="Dismiss" onClick={() => close(toast.id)} className="-my-1">
            <X size={14} />
          </IconButton>
        </div>
      ))}
    </div>
  );
}
