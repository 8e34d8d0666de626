// An agent's request for permission, and the record of its answer.
import { useMutation } from "@tanstack/react-query";
import { Check, Hand, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useUsers } from "@/app/live";
import { isTyping } from "@/features/board/keys";
import { api } from "@/net/api";
import { Button, Key } from "@/ui/Button";
import { ScrollPre } from "@/ui/ScrollPre";
import { ProblemNote } from "@/ui/states";
import type { Decision, Permission } from "@/wire";
import { useWhyNoAnswer } from "./rights";

/** What the request is about. */
export interface Request {
  session: string;
  permission: Permission;
  title: string;
  /** The exact command, path or arguments. */
  what: string;
}

/** The request while it waits: what exactly, why, and the two answers. */
export function PermissionCard({ request }: { request: Request }) {
  const { session, permission, what } = request;
  const [reason, setReason] = useState("");
  const ref = useRef<HTMLElement>(null);
  const answer = useMutation({
    mutationFn: (decision: Decision) =>
      api.sessions.answer(session, permission.id, reason.trim() ? { decision, reason: reason.trim() } : { decision }),
  });
  const why = useWhyNoAnswer();
  const isSent = answer.isPending || answer.isSuccess || why !== "";
  useEffect(() => {
    // Takes the keys only when nobody is busy elsewhere.
    if (document.activeElement === document.body) ref.current?.focus({ preventScroll: true });
  }, []);
  return (
    <section
      ref={ref}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the keys A and D work on the focused request
      tabIndex={0}
      aria-label={`Permission needed: ${request.title}`}
      onKeyDown={(event) => {
        if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey || isSent) return;
        if (event.key === "a" || event.key === "A") answer.mutate("allow");
        else if (event.key === "d" || event.key === "D") answer.mutate("deny");
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
      className="flex flex-col gap-2.5 rounded-lg border border-(--need-line) bg-need-fill p-3"
    >
      <div className="flex items-center gap-2 font-semibold text-need">
        <Hand size={15} strokeWidth={2.5} aria-hidden="true" />
        The agent asks for permission
      </div>
      {permission.reason && <p>{permission.reason}</p>}
      <ScrollPre label="What it wants to do" text={what} className="max-h-60 rounded-md border border-strong bg-surface px-3 py-2" />
      <div className="flex flex-wrap items-center gap-2">
        <Button variant="allow" className="max-[719px]:flex-1" disabled={isSent} onClick={() => answer.mutate("allow")}>
          Allow
          <span className="max-[719px]:hidden">
            <Key>A</Key>
          </span>
        </Button>
        <Button variant="plain" className="max-[719px]:flex-1" disabled={isSent} onClick={() => answer.mutate("deny")}>
          Deny
          <span className="max-[719px]:hidden">
            <Key>D</Key>
          </span>
        </Button>
        <input
          aria-label="Reason, which the agent is told"
          placeholder="Reason for the agent (optional)"
          maxLength={2000}
          disabled={why !== ""}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
          className="h-8 min-w-40 flex-1 rounded-md border border-strong bg-surface px-2.5 max-[719px]:h-10 max-[719px]:basis-full"
        />
      </div>
      {why && <p className="text-muted">{why}</p>}
      {answer.isError && <ProblemNote error={answer.error} />}
    </section>
  );
}

/** One line about an answered request. */
export function PermissionRecord({ permission, isWithdrawn }: { permission: Permission; isWithdrawn: boolean }) {
  const userOf = useUsers();
  const who = userOf(permission.answered_by)?.name ?? "Somebody";
  if (permission.decision === null) {
    return isWithdrawn ? <div className="text-xs text-muted">The request for permission was withdrawn.</div> : null;
  }
  const isAllowed = permission.decision === "allow";
  const Icon = isAllowed ? Check : X;
  return (
    <div className="flex items-center gap-1.5 text-xs text-muted">
      <Icon size={13} strokeWidth={2.5} aria-hidden="true" className={isAllowed ? "text-run" : "text-fail"} />
      <span className="min-w-0">
        <strong className="font-semibold text-fg">{who}</strong> {isAllowed ? "allowed" : "denied"} this
        {permission.answer_reason ? `: “${permission.answer_reason}”` : ""}
      </span>
    </div>
  );
}
