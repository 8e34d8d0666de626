// A field for the words of a comment, where `@` offers people and the sessions of the board.
import { useEffect, useId, useRef, useState } from "react";
import { cx } from "@/ui/cx";
import { callAt } from "./model";

const TEXT_MAX = 16_000;
const OFFERED = 6;

/** Somebody, or a session, that can be called. */
export interface Callee {
  id: string;
  name: string;
  kind: "person" | "session";
}

/** The field. Ctrl+Enter or Enter sends, Shift+Enter makes a line. */
export function MentionField({
  label,
  placeholder,
  value,
  callees,
  isFocused = false,
  onChange,
  onSend,
  onCancel,
}: {
  label: string;
  placeholder: string;
  value: string;
  callees: readonly Callee[];
  isFocused?: boolean;
  onChange: (value: string) => void;
  onSend: () => void;
  onCancel: () => void;
}) {
  const ref = useRef<HTMLTextAreaElement>(null);
  const list = useId();
  const [call, setCall] = useState<{ start: number; typed: string } | null>(null);
  const [chosen, setChosen] = useState(0);
  useEffect(() => {
    if (isFocused) ref.current?.focus({ preventScroll: true });
  }, [isFocused]);
  // Grows with what is written.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the words are what its height depends on
  useEffect(() => {
    const field = ref.current;
    if (!field) return;
    field.style.height = "0";
    field.style.height = `${Math.min(160, field.scrollHeight)}px`;
  }, [value]);

  const typed = call?.typed.toLowerCase() ?? "";
  const offered = call === null ? [] : callees.filter(({ name }) => name.toLowerCase().includes(typed)).slice(0, OFFERED);
  const take = (callee: Callee | undefined) => {
    if (!callee || call === null) return;
    const end = call.start + 1 + call.typed.length;
    onChange(`${value.slice(0, call.start)}@${callee.name} ${value.slice(end)}`);
    setCall(null);
    const caret = call.start + callee.name.length + 2;
    requestAnimationFrame(() => ref.current?.setSelectionRange(caret, caret));
  };
  const key = (event: React.KeyboardEvent) => {
    event.stopPropagation();
    if (offered.length > 0 && ["ArrowDown", "ArrowUp", "Enter", "Tab", "Escape"].includes(event.key)) {
      event.preventDefault();
      if (event.key === "Escape") setCall(null);
      else if (event.key === "ArrowDown") setChosen((chosen + 1) % offered.length);
      else if (event.key === "ArrowUp") setChosen((chosen + offered.length - 1) % offered.length);
      else take(offered[chosen]);
      return;
    }
    if (event.key === "Escape") onCancel();
    else if (event.key === "Enter" && !event.shiftKey) onSend();
    else return;
    event.preventDefault();
  };
  return (
    <div className="relative min-w-0 flex-1">
      <textarea
        ref={ref}
        role="combobox"
        aria-label={label}
        aria-expanded={offered.length > 0}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={offered[chosen] ? `${list}-${chosen}` : undefined}
        rows={1}
        value={value}
        maxLength={TEXT_MAX}
        placeholder={placeholder}
        data-scroll
        onChange={(event) => {
          onChange(event.target.value);
          setCall(callAt(event.target.value, event.target.selectionStart));
          setChosen(0);
        }}
        onKeyDown={key}
        onBlur={() => setCall(null)}
        className="block min-h-8 w-full resize-none rounded-md border border-strong bg-surface px-2 py-1.5 leading-5"
      />
      <div
        id={list}
        role="listbox"
        aria-label="People and sessions"
        hidden={offered.length === 0}
        className="absolute bottom-full left-0 z-10 mb-1 w-full rounded-lg border border-strong bg-raised p-1 shadow-(--float)"
      >
        {offered.map((callee, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the field's
          // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the field
          <div
            key={callee.id}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === chosen}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => take(callee)}
            className={cx("flex min-h-7 cursor-pointer items-center gap-2 truncate rounded-md px-2", index === chosen && "bg-fg/7")}
          >
            <span className="truncate">{callee.name}</span>
            <span className="ml-auto shrink-0 text-xs text-muted">{callee.kind === "session" ? "session" : ""}</span>
          </div>
        ))}
      </div>
    </div>
  );
}
