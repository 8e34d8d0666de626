// The head of the session panel: title, state and why, agent, branch, stop, menu.
import { useMutation } from "@tanstack/react-query";
import { Archive, ArchiveRestore, ArrowLeft, Check, Copy, Ellipsis, GitBranch, RotateCcw, Square, Trash2, X } from "lucide-react";
import { useState } from "react";
import { useIsNarrow, usePeersVersion } from "@/app/live";
import { openSession } from "@/app/router";
import { watchers } from "@/features/board/SessionCard";
import { Avatar } from "@/features/people/Avatar";
import { api } from "@/net/api";
import type { Channel } from "@/net/client";
import { Button, IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { ago, time } from "@/ui/format";
import { Menu, MenuItem, MenuLine, Pop } from "@/ui/Menu";
import { ProblemNote } from "@/ui/states";
import { Tip } from "@/ui/Tip";
import { toastDone, toastProblem } from "@/ui/toasts";
import type { Session } from "@/wire";
import type { SessionRights } from "./rights";
import { SandboxLine, useRestart } from "./Sandbox";
import { isBusy, StateMark } from "./state";

const TITLE_MAX = 200;

function Title({ session, canRename }: { session: Session; canRename: boolean }) {
  const [draft, setDraft] = useState<string | null>(null);
  const rename = useMutation({ mutationFn: (title: string) => api.sessions.patch(session.id, { title }), onError: toastProblem });
  if (!canRename) return <h2 className="min-w-0 flex-1 truncate text-base font-semibold">{session.title}</h2>;
  if (draft === null) {
    return (
      <h2 className="min-w-0 flex-1">
        <button
          type="button"
          title="Rename"
          onClick={() => setDraft(session.title)}
          className="-mx-1 block max-w-full truncate rounded-sm px-1 text-left text-base font-semibold hover:bg-fg/7"
        >
          {rename.isPending ? rename.variables : session.title}
        </button>
      </h2>
    );
  }
  return (
    <input
      // biome-ignore lint/a11y/noAutofocus: the field replaces the title that was just clicked
      autoFocus
      aria-label="Title"
      value={draft}
      maxLength={TITLE_MAX}
      onFocus={(event) => event.target.select()}
      onChange={(event) => setDraft(event.target.value)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") event.currentTarget.blur();
        if (event.key === "Escape") setDraft(null);
      }}
      onBlur={() => {
        const title = draft.trim();
        if (title && title !== session.title) rename.mutate(title);
        setDraft(null);
      }}
      className="-mx-1 h-7 min-w-0 flex-1 rounded-sm border border-strong bg-surface px-1 text-base font-semibold"
    />
  );
}

function Why({ session }: { session: Session }) {
  const { evidence } = session;
  return (
    <Pop
      label="Why this state"
      trigger={
        <button type="button" className="-mx-1 flex h-7 items-center gap-1.5 rounded-sm px-1 hover:bg-fg/7 max-[719px]:h-8">
          <StateMark state={session.state} />
          {evidence.at_ms > 0 && <span className="text-xs text-muted">{ago(evidence.at_ms)}</span>}
        </button>
      }
    >
      <div className="text-xs font-semibold text-muted">Why</div>
      <p className="break-words">{evidence.detail || "Nothing has happened yet."}</p>
      {evidence.at_ms > 0 && (
        <p className="mt-1 text-xs text-muted">
          {time(evidence.at_ms)} <span className="font-mono">{evidence.fact}</span>
        </p>
      )}
    </Pop>
  );
}

function Branch({ branch, repo }: { branch: string; repo: string }) {
  const [isCopied, setCopied] = useState(false);
  // Only secure contexts have a clipboard; elsewhere the name can be selected.
  const canCopy = typeof navigator.clipboard?.writeText === "function";
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(branch);
      setCopied(true);
      setTimeout(() => setCopied(false), 1_500);
    } catch (error) {
      toastProblem(error);
    }
  };
  return (
    <span className="flex min-w-0 items-center gap-1 text-xs text-muted">
      <GitBranch size={12} className="shrink-0" aria-hidden="true" />
      <span className="min-w-0 truncate">
        <span className="font-medium text-fg">{repo}</span> {branch}
      </span>
      {canCopy && (
        <Tip text={isCopied ? "Copied" : "Copy the branch"}>
          <IconButton label="Copy the branch" onClick={() => void copy()} className="size-6 max-[719px]:size-8">
            {isCopied ? <Check size={12} /> : <Copy size={12} />}
          </IconButton>
        </Tip>
      )}
    </span>
  );
}

function RemoveDialog({ session, onClose }: { session: Session; onClose: () => void }) {
  const remove = useMutation({
    mutationFn: () => api.sessions.remove(session.id),
    onSuccess: () => {
      toastDone("The session is put away. Its worktree is kept as a snapshot.");
      openSession(null);
    },
  });
  return (
    <Dialog isOpen onClose={onClose} title="Remove this session?" className="w-110">
      <div className="flex flex-col gap-4 px-5 pt-1 pb-5">
        <p>Its agent is stopped, the session is archived, and its worktree with everything not committed is kept as a snapshot.</p>
        {remove.isError && <ProblemNote error={remove.error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Keep it</Button>
          <Button variant="danger" disabled={remove.isPending} onClick={() => remove.mutate()}>
            Remove
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

function More({ session, rights }: { session: Session; rights: SessionRights }) {
  const [isRemoving, setRemoving] = useState(false);
  const isArchived = session.state === "archived";
  const restart = useRestart(session.executor);
  const archive = useMutation({
    mutationFn: () => api.sessions.patch(session.id, { is_archived: !isArchived }),
    onError: toastProblem,
  });
  const canRestart = session.executor !== null && rights.may.can("steer");
  if (!rights.canManage && !canRestart) return null;
  return (
    <>
      <Menu
        trigger={
          <IconButton label="More">
            <Ellipsis size={16} />
          </IconButton>
        }
      >
        {rights.canManage && (
          <MenuItem
            icon={isArchived ? <ArchiveRestore size={14} /> : <Archive size={14} />}
            isDisabled={isBusy(session.state)}
            onSelect={() => archive.mutate()}
          >
            {isArchived ? "Bring back" : "Archive"}
          </MenuItem>
        )}
        {canRestart && (
          <MenuItem
            icon={<RotateCcw size={14} />}
            isDisabled={isArchived || restart.isPending || (isBusy(session.state) && session.state !== "queued")}
            onSelect={() => restart.mutate()}
          >
            Restart the executor
          </MenuItem>
        )}
        {rights.canManage && (
          <>
            <MenuLine />
            <MenuItem icon={<Trash2 size={14} />} isDanger onSelect={() => setRemoving(true)}>
              Remove…
            </MenuItem>
          </>
        )}
      </Menu>
      {isRemoving && <RemoveDialog session={session} onClose={() => setRemoving(false)} />}
    </>
  );
}

/** The head. */
export function Header({
  session,
  board,
  stop,
  rights,
}: {
  session: Session;
  board: Channel;
  stop: { run: () => void; isArmed: boolean; isPending: boolean };
  rights: SessionRights;
}) {
  const isNarrow = useIsNarrow();
  usePeersVersion(board.peers);
  const people = watchers(board.peers, session.id);
  return (
    <header className="flex shrink-0 flex-col gap-0.5 border-b bg-surface py-2 pr-2 pl-4 max-[719px]:pl-2">
      <div className="flex items-center gap-1.5">
        {isNarrow && (
          <IconButton label="Back to the board" onClick={() => openSession(null)}>
            <ArrowLeft size={18} />
          </IconButton>
        )}
        <Title session={session} canRename={rights.canManage} />
        {people.length > 0 && (
          <span role="img" className="flex -space-x-1" aria-label={`Also here: ${people.map((person) => person.name).join(", ")}`}>
            {people.slice(0, 5).map((person) => (
              <Avatar key={person.name} person={person} size={20} className="ring-2 ring-surface" />
            ))}
          </span>
        )}
        {isBusy(session.state) && rights.canSteerTurn && (
          <Tip text="Stop the agent" keys="Esc Esc">
            <Button variant="danger" className="h-7" disabled={stop.isPending || session.state === "stopping"} onClick={stop.run}>
              <Square size={11} fill="currentColor" aria-hidden="true" />
              {stop.isArmed ? "Esc again" : "Stop"}
            </Button>
          </Tip>
        )}
        <More session={session} rights={rights} />
        {!isNarrow && (
          <Tip text="Close" keys="Esc">
            <IconButton label="Close the panel" onClick={() => openSession(null)}>
              <X size={16} />
            </IconButton>
          </Tip>
        )}
      </div>
      <div className="flex min-w-0 flex-wrap items-center gap-x-3 max-[719px]:pl-2">
        <Why session={session} />
        <span className="text-xs text-muted">
          {session.agent} · {session.model}
        </span>
        <Branch branch={session.branch} repo={session.repo} />
        <SandboxLine session={session} />
      </div>
    </header>
  );
}
