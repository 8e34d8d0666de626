// The sessions of a board as a list of tiles, for narrow screens and as the board's reading order.

import { useTopicVersion } from "@/app/live";
import { openSession } from "@/app/router";
import { cardOf } from "@/board/items";
import { needsYou, StateMark } from "@/features/session/state";
import type { Channel } from "@/net/client";
import { cx } from "@/ui/cx";
import type { RunState, SessionCard } from "@/wire";
import { shortBranch } from "./SessionCard";

const URGENCY: RunState[] = [
  "awaiting_approval",
  "awaiting_input",
  "failed",
  "lost",
  "running",
  "starting",
  "stopping",
  "queued",
  "idle",
  "archived",
];

/** The board's sessions; `order` is by place or by what needs somebody. */
export function useSessions(channel: Channel | null, order: "place" | "urgency" = "place"): { id: string; card: SessionCard }[] {
  useTopicVersion(channel?.store ?? null);
  const found: { id: string; card: SessionCard }[] = [];
  for (const [id, object] of channel?.store.entries() ?? []) {
    if (object.kind === "session") found.push({ id, card: cardOf(object) });
  }
  const row = (card: SessionCard) => Math.round(card.pos[1] / 120);
  const place = (a: SessionCard, b: SessionCard) => row(a) - row(b) || a.pos[0] - b.pos[0];
  const urgency = (a: SessionCard, b: SessionCard) => URGENCY.indexOf(a.state) - URGENCY.indexOf(b.state);
  return found.sort((a, b) => (order === "urgency" ? urgency(a.card, b.card) : 0) || place(a.card, b.card));
}

/** Tiles (two columns) or rows, in a scrolling page. */
export function SessionList({ channel, look }: { channel: Channel; look: "tiles" | "rows" }) {
  const sessions = useSessions(channel, look === "tiles" ? "place" : "urgency");
  return (
    <ul className={cx("grid gap-2 p-3", look === "tiles" ? "grid-cols-2" : "grid-cols-1")}>
      {sessions.map(({ id, card }) => (
        <li key={id}>
          <button
            type="button"
            onClick={() => openSession(id)}
            className={cx(
              "flex size-full flex-col items-start gap-1 rounded-lg border bg-surface p-3 text-left",
              needsYou(card.state) ? "needs-you" : "border-strong",
            )}
          >
            <StateMark state={card.state} />
            <span className={cx("text-base leading-[18px] font-semibold", look === "tiles" && "line-clamp-3")}>{card.title}</span>
            {card.line && <span className={cx("text-xs text-muted", look === "tiles" ? "line-clamp-3" : "line-clamp-2")}>{card.line}</span>}
            <span className="mt-auto max-w-full truncate pt-1 text-2xs text-muted">
              <span className="font-medium text-fg">{card.repo}</span> {shortBranch(card.branch)}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}
