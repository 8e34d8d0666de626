// What a place shows while it has no content: problem, emptiness.
import { CircleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { problemFrom } from "@/net/rest";
import { Button } from "./Button";

/** A problem in place of content, with what to do and a way to try again. */
export function ProblemNote({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const problem = problemFrom(error);
  return (
    <div role="alert" className="flex items-start gap-2.5 rounded-lg border border-fail/40 bg-fail-fill p-3">
      <CircleAlert size={16} className="mt-0.5 shrink-0 text-fail" />
      <div className="min-w-0 flex-1">
        <div className="font-medium">{problem.title}</div>
        <div className="break-words">{problem.detail}</div>
        {(problem.errors ?? []).map((field) => (
          <div key={field.field}>
            <span className="font-mono text-xs">{field.field}</span> {field.message}
          </div>
        ))}
        {problem.hint && <div className="text-muted">{problem.hint}</div>}
      </div>
      {onRetry && <Button onClick={onRetry}>Try again</Button>}
    </div>
  );
}

/** Emptiness that is in order, said plainly. */
export function Nothing({ icon, title, children }: { icon?: ReactNode; title: string; children?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-1 px-6 py-14 text-center">
      {icon && <div className="mb-1 text-muted">{icon}</div>}
      <div className="font-semibold">{title}</div>
      {children && <div className="max-w-90 text-balance text-muted">{children}</div>}
    </div>
  );
}
