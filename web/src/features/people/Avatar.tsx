// A person as a small disc in the colour of their cursor.
import { cx } from "@/ui/cx";

/** What an avatar needs to know of a person. */
export interface Person {
  name: string;
  emoji: string;
  slot: number;
}

/** The disc: emoji when there is one, else the first letter. */
export function Avatar({ person, size = 24, className }: { person: Person; size?: number; className?: string }) {
  return (
    <span
      aria-hidden="true"
      className={cx("inline-flex shrink-0 items-center justify-center rounded-full font-semibold text-[#fff] select-none", className)}
      style={{
        width: size,
        height: size,
        fontSize: Math.round(size * (person.emoji ? 0.54 : 0.46)),
        lineHeight: 1,
        background: `var(--slot-${person.slot % 12})`,
      }}
    >
      {person.emoji || (person.name.trim()[0] ?? "?").toUpperCase()}
    </span>
  );
}
