// What a session's worktree changed since it started.
import { useQuery } from "@tanstack/react-query";
import { ChevronDown, ChevronRight, FileCheck, RefreshCw } from "lucide-react";
import { useState } from "react";
import { api } from "@/net/api";
import { IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { plural } from "@/ui/format";
import { Nothing, ProblemNote } from "@/ui/states";
import { Tip } from "@/ui/Tip";
import type { DiffFile, FileStatus } from "@/wire";
import { Patch } from "./Patch";

/** Files that are open at first; more would bury the list. */
const OPEN_FILES = 12;

/** The diff of a session; read again whenever `generation` (tasks that ended) changes. */
export function useDiff(session: string, generation: number, isEnabled: boolean) {
  return useQuery({
    queryKey: ["diff", session, generation],
    queryFn: ({ signal }) => api.sessions.diff(session, signal),
    enabled: isEnabled,
    placeholderData: (previous, query) => (query?.queryKey[1] === session ? previous : undefined),
    staleTime: 60_000,
  });
}

const LETTER: Record<FileStatus, { letter: string; word: string; look: string }> = {
  added: { letter: "A", word: "added", look: "text-add" },
  modified: { letter: "M", word: "modified", look: "text-muted" },
  deleted: { letter: "D", word: "deleted", look: "text-del" },
  renamed: { letter: "R", word: "renamed", look: "text-fork" },
};

/** Counts of added and removed lines. */
export function Counts({ additions, deletions }: { additions: number; deletions: number }) {
  return (
    <span className="shrink-0 text-xs font-medium tabular-nums">
      <span className="text-add">+{additions}</span> <span className="text-del">−{deletions}</span>
    </span>
  );
}

function FileBody({ file }: { file: DiffFile }) {
  const words = file.is_binary
    ? "A binary file: there is nothing to show line by line."
    : file.patch === "" && file.is_truncated
      ? "The patch was left out because the whole diff is too large."
      : file.patch === ""
        ? "No line changed (only its name or its mode)."
        : null;
  if (words) return <p className="px-3 py-2 text-muted">{words}</p>;
  return (
    <>
      <Patch patch={file.patch} path={file.path} label={`Changes of ${file.path}`} />
      {file.is_truncated && <p className="border-t px-3 py-2 text-muted">The patch is longer than what is shown here.</p>}
    </>
  );
}

function FileView({ file, isOpenFirst }: { file: DiffFile; isOpenFirst: boolean }) {
  const [isOpen, setOpen] = useState(isOpenFirst);
  const { letter, word, look } = LETTER[file.status];
  const Icon = isOpen ? ChevronDown : ChevronRight;
  return (
    <section className="overflow-hidden rounded-lg border bg-surface">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="flex h-9 w-full items-center gap-2 px-2.5 text-left hover:bg-sunken"
      >
        <Icon size={14} className="shrink-0 text-muted" aria-hidden="true" />
        <span className={cx("w-3 shrink-0 text-center font-mono text-xs font-bold", look)} title={word}>
          {letter}
        </span>
        <span className="min-w-0 flex-1 truncate font-mono text-xs">
          {file.old_path && <span className="text-muted">{file.old_path} → </span>}
          {file.path}
        </span>
        {!file.is_binary && <Counts additions={file.additions} deletions={file.deletions} />}
      </button>
      {isOpen && (
        <div className="border-t">
          <FileBody file={file} />
        </div>
      )}
    </section>
  );
}

/** The tab. */
export function DiffTab({ diff }: { diff: ReturnType<typeof useDiff> }) {
  const { data, error, isPending, isFetching, refetch } = diff;
  if (error && !data) {
    return (
      <div className="p-4">
        <ProblemNote error={error} onRetry={() => void refetch()} />
      </div>
    );
  }
  if (isPending || !data) {
    return (
      <div className="flex flex-col gap-2 p-4" aria-busy="true">
        <div className="skeleton h-9" />
        <div className="skeleton h-40" />
      </div>
    );
  }
  const additions = data.files.reduce((sum, file) => sum + file.additions, 0);
  const deletions = data.files.reduce((sum, file) => sum + file.deletions, 0);
  return (
    <div className="flex flex-col gap-2 p-4">
      <div className="flex min-h-8 items-center gap-2 text-muted">
        <span className="min-w-0 flex-1">
          {plural(data.files.length, "file")} since <code className="font-mono text-xs">{data.base_commit.slice(0, 8)}</code>
          {data.is_dirty && ", not all committed"}
        </span>
        {data.files.length > 0 && <Counts additions={additions} deletions={deletions} />}
        <Tip text="Read again">
          <IconButton label="Read the diff again" disabled={isFetching} onClick={() => void refetch()}>
            <RefreshCw size={14} className={isFetching ? "animate-spin" : ""} />
          </IconButton>
        </Tip>
      </div>
      {data.files.length === 0 && (
        <Nothing icon={<FileCheck size={22} />} title="No changes">
          The worktree is as it was when the session started.
        </Nothing>
      )}
      {data.files.map((file, index) => (
        <FileView key={file.path} file={file} isOpenFirst={index < OPEN_FILES && file.additions + file.deletions < 600} />
      ))}
      {data.is_truncated && <p className="px-1 text-muted">There are more files than can be listed here.</p>}
    </div>
  );
}
