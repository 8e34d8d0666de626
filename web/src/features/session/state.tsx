// Run states as people see them: colour, glyph and word, always all three.
import {
  Archive,
  Circle,
  CircleDashed,
  CircleX,
  Hand,
  Hourglass,
  LoaderCircle,
  type LucideIcon,
  MessageCircleQuestion,
  Play,
  Square,
} from "lucide-react";
import { TONE, type Tone } from "@/board/palette";
import { cx } from "@/ui/cx";
import type { RunState } from "@/wire";

const LOOK: Record<RunState, { word: string; Icon: LucideIcon }> = {
  idle: { word: "Idle", Icon: Circle },
  queued: { word: "Queued", Icon: Hourglass },
  starting: { word: "Starting", Icon: LoaderCircle },
  running: { word: "Running", Icon: Play },
  awaiting_approval: { word: "Needs you", Icon: Hand },
  awaiting_input: { word: "Asks you", Icon: MessageCircleQuestion },
  stopping: { word: "Stopping", Icon: Square },
  failed: { word: "Failed", Icon: CircleX },
  lost: { word: "Lost", Icon: CircleDashed },
  archived: { word: "Archived", Icon: Archive },
};

const COLOR: Record<Tone, string> = {
  run: "text-run",
  need: "text-need",
  wait: "text-wait",
  idle: "text-muted",
  fail: "text-fail",
};

/** The word of a state. */
export function stateWord(state: RunState): string {
  return LOOK[state]?.word ?? state;
}

/** Whether an agent works or waits in the middle of its work. */
export function isBusy(state: RunState): boolean {
  return !["idle", "failed", "lost", "archived"].includes(state);
}

/** Whether somebody has to do something before it goes on. */
export function needsYou(state: RunState): boolean {
  return state === "awaiting_approval" || state === "awaiting_input";
}

/** The state's glyph and word in its colour. */
export function StateMark({ state, className }: { state: RunState; className?: string }) {
  const { word, Icon } = LOOK[state] ?? LOOK.idle;
  return (
    <span className={cx("inline-flex shrink-0 items-center gap-1 text-xs font-semibold", COLOR[TONE[state] ?? "idle"], className)}>
      <Icon size={13} strokeWidth={2.5} aria-hidden="true" fill={state === "running" ? "currentColor" : "none"} />
      {word}
    </span>
  );
}
