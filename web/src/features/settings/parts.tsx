// What the pages of the settings are made of: head, group, list, and the states of a list that is read.
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { cx } from "@/ui/cx";
import { Nothing, ProblemNote } from "@/ui/states";

/** The head of a page: what it is about, and what one does there first. */
export function PageHead({ title, action, children }: { title: string; action?: ReactNode; children?: ReactNode }) {
  return (
    <header className="mb-5 flex flex-wrap items-start gap-x-4 gap-y-3">
      <div className="min-w-60 flex-1">
        <h1 className="text-lg font-semibold">{title}</h1>
        {children && <p className="max-w-140 text-pretty text-muted">{children}</p>}
      </div>
      {action}
    </header>
  );
}

/** Things that belong together, below a name. */
export function Group({ title, hint, action, children }: { title: string; hint?: ReactNode; action?: ReactNode; children: ReactNode }) {
  return (
    <section className="mb-8">
      <div className="mb-2 flex items-end gap-3">
        <div className="min-w-0 flex-1">
          <h2 className="font-semibold">{title}</h2>
          {hint && <p className="text-xs text-muted">{hint}</p>}
        </div>
        {action}
      </div>
      {children}
    </section>
  );
}

/** A framed place for forms and texts. */
export function Panel({ className, children }: { className?: string; children: ReactNode }) {
  return <div className={cx("flex flex-col gap-4 rounded-lg border border-strong bg-surface p-4", className)}>{children}</div>;
}

/** A framed list; its rows are divided by lines. */
export function Rows({ label, children }: { label: string; children: ReactNode }) {
  return (
    <ul aria-label={label} className="divide-y overflow-hidden rounded-lg border border-strong bg-surface">
      {children}
    </ul>
  );
}

/** One line of a list: a sign, what it is, what can be done with it. */
export function Row({
  icon,
  title,
  line,
  isDim = false,
  children,
}: {
  icon?: ReactNode;
  title: ReactNode;
  line?: ReactNode;
  isDim?: boolean;
  children?: ReactNode;
}) {
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 px-3 py-2.5">
      {icon && <span className={cx("flex w-6 shrink-0 justify-center text-muted", isDim && "opacity-50")}>{icon}</span>}
      <div className="min-w-40 flex-1">
        <div className={cx("flex flex-wrap items-center gap-x-2 gap-y-0.5 font-medium break-words", isDim && "text-muted")}>{title}</div>
        {line && <div className="text-xs text-pretty text-muted">{line}</div>}
      </div>
      {children && <div className="ml-auto flex flex-wrap items-center gap-1.5">{children}</div>}
    </li>
  );
}

/** Shows what was read, or that it is being read, that there is nothing, or why it could not be read. */
export function Read<T>({
  query,
  empty,
  children,
}: {
  query: UseQueryResult<T>;
  empty?: { title: string; icon?: ReactNode; text?: string };
  children: (data: T) => ReactNode;
}) {
  if (query.data === undefined) {
    if (query.isError) return <ProblemNote error={query.error} onRetry={() => void query.refetch()} />;
    return (
      <div aria-busy="true" className="flex flex-col gap-2">
        {[0, 1, 2].map((index) => (
          <div key={index} className="skeleton h-13" />
        ))}
      </div>
    );
  }
  if (empty && Array.isArray(query.data) && query.data.length === 0) {
    return (
      <div className="rounded-lg border border-dashed border-strong">
        <Nothing icon={empty.icon} title={empty.title}>
          {empty.text}
        </Nothing>
      </div>
    );
  }
  return children(query.data);
}
