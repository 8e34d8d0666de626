// What keeps the session's executor in its place, how that executor is, and starting it afresh.
import { useMutation } from "@tanstack/react-query";
import { Check, RotateCcw, Shield, ShieldAlert, ShieldOff, TriangleAlert, X } from "lucide-react";
import { useEffect, useState } from "react";
import { api } from "@/net/api";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { Pop } from "@/ui/Menu";
import { toastDone, toastProblem } from "@/ui/toasts";
import type { LayerState, SandboxReport, Session, SessionExecutor } from "@/wire";
import { executorTrouble, layerName, modeWords, networkWords, sandboxSummary } from "./sandbox";

/** Starting the executor of a session afresh. */
export function useRestart(executor: SessionExecutor | null) {
  return useMutation({
    mutationFn: () => (executor ? api.executors.restart(executor.id) : Promise.reject(new Error("there is no executor"))),
    onSuccess: () => toastDone("The executor was started afresh."),
    onError: toastProblem,
  });
}

function LayerRow({ state }: { state: LayerState }) {
  const Icon = state.is_on ? Check : X;
  return (
    <li className="flex items-start gap-2 py-1">
      <Icon size={14} strokeWidth={2.5} aria-hidden="true" className={cx("mt-0.5 shrink-0", state.is_on ? "text-run" : "text-need")} />
      <span className="min-w-0">
        <span>{layerName(state.layer)}</span>
        <span className="sr-only">{state.is_on ? "holds" : "does not hold"}</span>
        {state.detail && <span className="block break-words text-xs text-muted">{state.detail}</span>}
      </span>
    </li>
  );
}

function Details({ report, executor }: { report: SandboxReport; executor: SessionExecutor | null }) {
  const rows = [
    ["Account", `${report.account || "unknown"} (${report.uid})`],
    ["Reaches", networkWords(report.network)],
    ["Executor", executor?.end ? `ended: ${executor.end.how}` : (executor?.state ?? "")],
    ["Restarts", executor && executor.restarts > 0 ? String(executor.restarts) : ""],
  ] as const;
  return (
    <>
      <div className="text-xs font-semibold text-muted">Sandbox</div>
      <p>{modeWords(report.mode)}</p>
      <dl className="mt-2 grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5 text-xs">
        {rows
          .filter(([, value]) => value !== "")
          .map(([name, value]) => (
            <div key={name} className="contents">
              <dt className="text-muted">{name}</dt>
              <dd className="min-w-0 break-words">{value}</dd>
            </div>
          ))}
      </dl>
      {report.layers.length > 0 && (
        <ul aria-label="Layers" className="mt-2 max-h-[45vh] overflow-y-auto border-t pt-1">
          {report.layers.map((state) => (
            <LayerRow key={state.layer} state={state} />
          ))}
        </ul>
      )}
    </>
  );
}

/** The line about the sandbox; all of it opens from there. */
export function SandboxLine({ session }: { session: Session }) {
  const { sandbox, executor } = session;
  if (!sandbox) return null;
  const { words, isWarning } = sandboxSummary(sandbox);
  const Icon = sandbox.mode === "off" ? ShieldOff : isWarning ? ShieldAlert : Shield;
  return (
    <Pop
      label="Sandbox"
      trigger={
        <button
          type="button"
          className={cx(
            "-mx-1 flex h-7 min-w-0 items-center gap-1 rounded-sm px-1 text-xs hover:bg-fg/7 max-[719px]:h-8",
            isWarning ? "text-need" : "text-muted",
          )}
        >
          <Icon size={12} className="shrink-0" aria-hidden="true" />
          <span className="min-w-0 truncate">
            {words}
            {sandbox.account && <span className="text-muted"> · {sandbox.account}</span>}
          </span>
        </button>
      }
    >
      <Details report={sandbox} executor={executor} />
    </Pop>
  );
}

/** Seconds go by while a pause is shown. */
function useNow(untilMs: number | null): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (untilMs === null || untilMs <= now) return;
    const timer = setTimeout(() => setNow(Date.now()), 500);
    return () => clearTimeout(timer);
  }, [untilMs, now]);
  return now;
}

/** Says that the executor is not well, with what can be done. */
export function ExecutorNote({ session, canRestart }: { session: Session; canRestart: boolean }) {
  const { executor } = session;
  const restart = useRestart(executor);
  const trouble = executorTrouble(executor, useNow(executor?.retry_at_ms ?? null));
  if (!trouble || session.state === "archived") return null;
  const hasFailed = executor?.state === "failed";
  return (
    <div
      role="status"
      className={cx("flex shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b px-4 py-2", hasFailed ? "bg-fail-fill" : "bg-sunken")}
    >
      <TriangleAlert size={14} aria-hidden="true" className={cx("shrink-0", hasFailed ? "text-fail" : "text-need")} />
      <p className="min-w-0 flex-1 basis-48 break-words">{trouble}</p>
      {hasFailed && canRestart && (
        <Button className="h-7" disabled={restart.isPending} onClick={() => restart.mutate()}>
          <RotateCcw size={12} aria-hidden="true" />
          Restart
        </Button>
      )}
    </div>
  );
}
