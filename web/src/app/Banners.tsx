// Lines below the top bar: offline, updated.
import { CloudOff, RefreshCw } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { client, useConnection, useIsOffline, useUnanswered } from "./live";

function Banner({ icon, children, className, action }: { icon: ReactNode; children: ReactNode; className?: string; action?: ReactNode }) {
  return (
    <div role="status" className={cx("flex min-h-9 shrink-0 items-center gap-2 border-b px-3 py-1 text-sm", className)}>
      {icon}
      <span className="min-w-0 flex-1">{children}</span>
      {action}
    </div>
  );
}

/** Whatever has to be said about the connection. */
export function Banners() {
  const { state, isUpdated } = useConnection();
  const isOffline = useIsOffline();
  const waiting = useUnanswered();
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
        <strong>Offline{waiting > 0 ? ":" : "."}</strong>{" "}
        {waiting > 0
          ? `${waiting} ${waiting === 1 ? "change is" : "changes are"} kept and sent when the connection is back.`
          : "Connecting again; changes on the board are kept and sent then."}
      </Banner>
    );
  }
  if (!isUpdated) return null;
  return (
    <Banner icon={<RefreshCw size={15} />} className="bg-surface" action={reload}>
      Grove was updated. Reload to have the new version.
    </Banner>
  );
}
