// Writes the words of an object in its place: a line, or several with Shift+Enter.
import { useEffect, useRef, useState } from "react";
import { cx } from "@/ui/cx";

const LINE_MAX = 300;
const LONG_MAX = 4_000;

/** The field. Enter or leaving it takes the words, Escape leaves them as they were. */
export function LineEditor({
  label,
  text,
  isLong = false,
  className,
  onDone,
  onEnd,
}: {
  label: string;
  text: string;
  isLong?: boolean;
  className?: string;
  /** Takes the words, and the height that they need. */
  onDone: (text: string, height: number) => void;
  onEnd: () => void;
}) {
  const [words, setWords] = useState(text);
  const ref = useRef<HTMLTextAreaElement>(null);
  const isCancelled = useRef(false);
  useEffect(() => {
    ref.current?.focus({ preventScroll: true });
    ref.current?.select();
  }, []);
  return (
    <textarea
      ref={ref}
      aria-label={label}
      rows={1}
      value={words}
      maxLength={isLong ? LONG_MAX : LINE_MAX}
      data-scroll
      onChange={(event) => setWords(isLong ? event.target.value : event.target.value.replace(/\n/g, " "))}
      onKeyDown={(event) => {
        event.stopPropagation();
        const isEnd = event.key === "Escape" || (event.key === "Enter" && !(event.shiftKey && isLong));
        if (!isEnd) return;
        event.preventDefault();
        isCancelled.current = event.key === "Escape";
        const object = event.currentTarget.closest<HTMLElement>("[data-id]");
        event.currentTarget.blur();
        object?.focus({ preventScroll: true });
      }}
      onBlur={() => {
        if (!isCancelled.current && words !== text) onDone(words.trim(), ref.current?.scrollHeight ?? 0);
        onEnd();
      }}
      className={cx("size-full min-w-24 resize-none overflow-hidden bg-transparent outline-none", !isLong && "h-5 min-w-40", className)}
    />
  );
}
