// The bar at the bottom: connection, what runs, what needs somebody, version and mode.
import { openSession } from "@/app/router";
import { useSessions } from "@/features/board/SessionList";
import { isolationWords } from "@/features/session/sandbox";
import { needsYou } from "@/features/session/state";
import type { Channel } from "@/net/client";
import { cx } from "@/ui/cx";
import { useConnection, useInstance, useUnanswered } from "./live";

const WORD = { live: "Live", connecting: "Connecting", offline: "Offline", outdated: "Outdated" } as const;

/** The status bar. */
export function StatusBar({ channel }: { channel: Channel | null }) {
  const { state, latencyMs } = useConnection();
  const { data: instance } = useInstance();
  const sessions = useSessions(channel, "urgency");
  const running = sessions.filter(({ card }) => card.state === "running" || card.state === "starting").length;
  const needy = sessions.filter(({ card }) => needsYou(card.state));
  const unanswered = useUnanswered();
  const waiting = state === "live" ? 0 : unanswered;
  const first = needy[0];
  return (
    <footer className="flex h-7 shrink-0 items-center gap-4 border-t bg-surface px-3 text-xs text-muted tabular-nums">
      <span className="flex items-center gap-1.5">
        <span
          aria-hidden="true"
          className={cx("size-2 rounded-full", state === "live" ? "bg-run" : state === "connecting" ? "bg-wait" : "bg-fail")}
        />
        <span className="text-fg">{WORD[state]}</span>
        {latencyMs !== null && <span>{latencyMs < 1 ? "<1" : latencyMs} ms</span>}
        {waiting > 0 && <span>· {waiting} waiting to be sent</span>}
      </span>
      <span>{running} running</span>
      {first ? (
        <button
          type="button"
          onClick={() => openSession(first.id)}
          className="flex items-center gap-1 rounded-sm font-semibold text-need hover:underline"
        >
          {needy.length} {needy.length === 1 ? "needs" : "need"} you
        </button>
      ) : (
        <span>0 need you</span>
      )}
      <span className="flex-1" />
      {instance && (
        <>
          <span className={cx("max-[719px]:hidden", instance.isolation === "off" && "text-need")}>{isolationWords(instance)}</span>
          <span>v{instance.version}</span>
        </>
      )}
    </footer>
  );
}
