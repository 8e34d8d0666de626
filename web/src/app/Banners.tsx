// Lines below the top bar: offline, updated, following somebody.
import { CloudOff, Eye, RefreshCw } from "lucide-react";
import { type ReactNode, useEffect, useSyncExternalStore } from "react";
import type { Engine } from "@/board/engine";
import type { Channel } from "@/net/client";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { client, useConnection, useIsOffline } from "./live";

function Banner({ icon, children, className, action }: { icon: ReactNode; children: ReactNode; className?: string; action?: ReactNode }) {
  return (
    <div role="status" className={cx("flex min-h-9 shrink-0 items-center gap-2 border-b px-3 py-1 text-sm", className)}>
      {icon}
      <span className="min-w-0 flex-1">{children}</span>
      {action}
    </div>
  );
}

function Following({ engine, channel }: { engine: Engine; channel: Channel }) {
  const { following } = useSyncExternalStore(engine.subscribe, () => engine.state);
  useEffect(() => {
    if (following === null) return;
    const key = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      engine.follow(null);
    };
    addEventListener("keydown", key, { capture: true });
    return () => removeEventListener("keydown", key, { capture: true });
  }, [engine, following]);
  const peer = following === null ? undefined : channel.peers.get(following);
  if (!peer) return null;
  return (
    <Banner
      icon={<Eye size={15} style={{ color: `var(--slot-${peer.identity.slot % 12})` }} />}
      className="bg-surface"
      action={
        <Button className="h-7" onClick={() => engine.follow(null)}>
          Stop (Esc)
        </Button>
      }
    >
      You see what <strong>{peer.identity.name}</strong> sees.
    </Banner>
  );
}

/** Whatever has to be said about the connection. */
export function Banners({ engine, channel }: { engine: Engine | null; channel: Channel | null }) {
  const { state, isUpdated } = useConnection();
  const isOffline = useIsOffline();
  const reload = (
    <Button className="h-7" onClick={() => location.reload()}>
      Reload
    </Button>
  );
  if (state === "outdated") {
    return (
      <Banner icon={<RefreshCw size={15} />} className="bg-fail-fill" action={reload}>
        Grove was updated and this page is too old for it. Drafts are kept.
      </Banner>
    );
  }
  if (isOffline) {
    return (
      <Banner
        icon={<CloudOff size={15} className="text-fail" />}
        className="bg-fail-fill"
        action={
          <Button className="h-7" onClick={() => client.reconnect()}>
            Try now
          </Button>
        }
      >
        <strong>Offline.</strong> Connecting again; changes on the board are kept and sent then.
      </Banner>
    );
  }
  return (
    <>
      {isUpdated && (
        <Banner icon={<RefreshCw size={15} />} className="bg-surface" action={reload}>
          Grove was updated. Reload to have the new version.
        </Banner>
      )}
      {engine && channel && <Following engine={engine} channel={channel} />}
    </>
  );
}
