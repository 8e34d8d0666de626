// A session's card, near enough to read. Its place is the engine's affair.
import { GitBranch } from "lucide-react";
import { lazy, memo, Suspense } from "react";
import { useObject, usePeersVersion } from "@/app/live";
import { CARD_SIZE, cardOf } from "@/board/items";
import { Avatar } from "@/features/people/Avatar";
import { LiveLine } from "@/features/session/LiveLine";
import { needsYou, StateMark, stateWord } from "@/features/session/state";
import type { Peers } from "@/net/presence";
import { cx } from "@/ui/cx";
import { cost, tokens } from "@/ui/format";
import { type ItemProps, useAttach } from "./mark";

const SessionWindow = lazy(() => import("@/features/session/SessionWindow"));

/** People who have this session open, each once. */
export function watchers(peers: Peers, session: string) {
  const seen = new Map<string, { name: string; emoji: string; slot: number }>();
  for (const { identity, presence } of peers.all()) {
    if (presence.panel === `session:${session}` && !identity.is_agent && presence.seen !== "hidden") seen.set(identity.user, identity);
  }
  return [...seen.values()];
}

/** The branch without the prefix that all have. */
export function shortBranch(branch: string): string {
  return branch.replace(/^grove\//, "");
}

/** The card. */
export const SessionCard = memo(function SessionCard({
  engine,
  id,
  isSelected,
  isTabStop,
  isOpen,
  isNear,
}: ItemProps & { isOpen: boolean; isNear: boolean }) {
  const object = useObject(engine.channel.store, id);
  usePeersVersion(engine.channel.peers);
  const ref = useAttach(engine, id);
  if (!object) return null;
  const card = cardOf(object);
  const people = watchers(engine.channel.peers, id);
  const price = [tokens(card.tokens) && `${tokens(card.tokens)} tokens`, cost(card.cost_micro_usd)].filter(Boolean).join(" · ");
  const isNeedy = needsYou(card.state);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a card on the board is a group, no form's fieldset
    <div
      ref={ref}
      role="group"
      aria-roledescription="session card"
      aria-label={`${card.title}, ${stateWord(card.state)}`}
      aria-describedby={`card-${id}`}
      tabIndex={isTabStop ? 0 : -1}
      data-id={id}
      data-selected={isSelected || undefined}
      onFocus={() => engine.focus(id)}
      style={{ width: CARD_SIZE[0], height: CARD_SIZE[1] }}
      className={cx(
        "board-item flex cursor-default flex-col rounded-lg border bg-surface px-3 py-2.5 select-none",
        isNeedy ? "needs-you" : isOpen ? "border-fg/60" : "border-strong",
        card.state === "archived" && "opacity-60",
      )}
    >
      <div className="flex h-5 items-center gap-2">
        <StateMark state={card.state} />
        <span className="flex-1" />
        {people.length > 0 && (
          <span className="flex -space-x-1">
            {people.slice(0, 4).map((person) => (
              <Avatar key={person.name} person={person} size={18} className="ring-2 ring-surface" />
            ))}
          </span>
        )}
        <span className="truncate text-2xs text-muted">
          {card.agent} · {card.model}
        </span>
      </div>
      {isNear ? (
        <Suspense fallback={null}>
          <SessionWindow id={id} title={card.title} />
        </Suspense>
      ) : (
        <>
          <div className="mt-1 line-clamp-2 text-base leading-[18px] font-semibold">{card.title}</div>
          <div id={`card-${id}`} className={cx("mt-1 line-clamp-2 max-h-8 text-xs", isNeedy ? "text-need" : "text-muted")}>
            <LiveLine engine={engine} id={id} isWorking={card.state === "running"} line={card.line} />
          </div>
          <div className="mt-auto flex h-4 items-center gap-1 text-2xs text-muted">
            <GitBranch size={11} aria-hidden="true" className="shrink-0" />
            <span className="truncate">
              <span className="font-medium text-fg">{card.repo}</span> {shortBranch(card.branch)}
            </span>
            <span className="flex-1" />
            {price && <span className="shrink-0 tabular-nums">{price}</span>}
          </div>
        </>
      )}
    </div>
  );
});
