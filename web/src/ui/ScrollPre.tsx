// Preformatted text that scrolls, reachable by keyboard.
import { cx } from "./cx";

/** The text; `label` names the region for those who cannot see it. */
export function ScrollPre({ label, text, className }: { label: string; text: string; className?: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section aria-label={label} tabIndex={0} className={cx("overflow-auto", className)}>
      <pre className="font-mono text-xs leading-[18px] break-words whitespace-pre-wrap">{text}</pre>
    </section>
  );
}
