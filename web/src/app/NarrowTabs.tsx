// The tabs at the bottom of narrow screens.
import { LayoutGrid, List, SquarePlus } from "lucide-react";
import { useSessions } from "@/features/board/SessionList";
import { needsYou } from "@/features/session/state";
import type { Channel } from "@/net/client";
import { cx } from "@/ui/cx";
import { startCreating, useUi } from "./ui-state";

const LOOK = "relative flex h-13 flex-1 flex-col items-center justify-center gap-0.5 text-2xs font-medium";

/** Board, new session, list of sessions. */
export function NarrowTabs({ channel, canPrompt }: { channel: Channel | null; canPrompt: boolean }) {
  const tab = useUi((state) => state.tab);
  const needy = useSessions(channel).filter(({ card }) => needsYou(card.state)).length;
  return (
    <nav aria-label="Views" className="flex shrink-0 border-t bg-surface pb-[env(safe-area-inset-bottom)]">
      <button
        type="button"
        aria-current={tab === "board"}
        onClick={() => useUi.setState({ tab: "board" })}
        className={cx(LOOK, tab === "board" ? "text-fg" : "text-muted")}
      >
        <LayoutGrid size={18} aria-hidden="true" />
        Board
      </button>
      <button type="button" disabled={!canPrompt} onClick={startCreating} className={cx(LOOK, "text-fg disabled:opacity-40")}>
        <SquarePlus size={18} aria-hidden="true" />
        New session
      </button>
      <button
        type="button"
        aria-current={tab === "sessions"}
        onClick={() => useUi.setState({ tab: "sessions" })}
        className={cx(LOOK, tab === "sessions" ? "text-fg" : "text-muted")}
      >
        <List size={18} aria-hidden="true" />
        Sessions
        {needy > 0 && (
          <span className="absolute top-1 left-1/2 ml-2 rounded-full bg-need px-1.5 text-2xs leading-4 font-bold text-surface">
            {needy}
            <span className="sr-only"> need you</span>
          </span>
        )}
      </button>
    </nav>
  );
}
