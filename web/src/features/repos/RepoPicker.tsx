// Choosing a repository, and adding one by path or address.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { FolderGit2, Plus } from "lucide-react";
import { useEffect, useState } from "react";
import { api } from "@/net/api";
import { Button } from "@/ui/Button";
import { ProblemNote } from "@/ui/states";
import type { Repo } from "@/wire";

const POLL_MS = 700;

/** The repositories that can be used; those being cloned are looked at again and again. */
export function useRepos() {
  return useQuery({
    queryKey: ["repos"],
    queryFn: ({ signal }) => api.repos.list(signal),
    select: (repos) => repos.filter((repo) => repo.archived_at_ms === null),
    refetchInterval: ({ state }) => (state.data?.some((repo) => repo.state === "cloning") ? POLL_MS : false),
  });
}

function AddRepo({ onAdded, onCancel }: { onAdded: (repo: Repo) => void; onCancel: (() => void) | null }) {
  const cache = useQueryClient();
  const [source, setSource] = useState("");
  const add = useMutation({
    mutationFn: () => api.repos.create({ source: source.trim() }),
    onSuccess: (repo) => {
      cache.setQueryData<Repo[]>(["repos"], (known) => [...(known ?? []).filter((it) => it.id !== repo.id), repo]);
      void cache.invalidateQueries({ queryKey: ["repos"] });
      onAdded(repo);
    },
  });
  const submit = () => source.trim() && !add.isPending && add.mutate();
  return (
    <div className="flex flex-col gap-2">
      <div className="flex gap-2">
        <input
          aria-label="Path or address of the repository"
          placeholder="/path/to/repository or https://…"
          value={source}
          onChange={(event) => setSource(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
            event.preventDefault();
            submit();
          }}
          className="h-9 min-w-0 flex-1 max-[719px]:h-10 rounded-md border border-strong bg-surface px-3 font-mono text-xs"
        />
        <Button className="h-9" disabled={!source.trim() || add.isPending} onClick={submit}>
          {add.isPending ? "Adding…" : "Add"}
        </Button>
        {onCancel && (
          <Button variant="ghost" className="h-9" onClick={onCancel}>
            Cancel
          </Button>
        )}
      </div>
      <p className="text-xs text-muted">A directory on the machine where Grove runs, or anything git can clone.</p>
      {add.isError && <ProblemNote error={add.error} />}
    </div>
  );
}

function Progress({ repo }: { repo: Repo }) {
  const percent = repo.progress_percent;
  return (
    <div className="flex items-center gap-3">
      <div
        role="progressbar"
        aria-label={`Cloning ${repo.name}`}
        {...(percent !== null && { "aria-valuenow": percent })}
        className="h-1.5 flex-1 overflow-hidden rounded-full bg-fg/10"
      >
        <div className="h-full rounded-full bg-run transition-[width]" style={{ width: `${percent ?? 5}%` }} />
      </div>
      <span className="text-xs text-muted tabular-nums">Cloning {percent === null ? "…" : `${percent}%`}</span>
    </div>
  );
}

/** The field. With one repository it is chosen already. */
export function RepoPicker({ value, onChange }: { value: string | null; onChange: (id: string | null) => void }) {
  const { data: repos, error, refetch } = useRepos();
  const [isAdding, setAdding] = useState(false);
  const chosen = repos?.find((repo) => repo.id === value) ?? null;
  useEffect(() => {
    if (value !== null || !repos) return;
    const ready = repos.find((repo) => repo.state === "ready");
    if (ready) onChange(ready.id);
  }, [value, repos, onChange]);
  if (error && !repos) return <ProblemNote error={error} onRetry={() => void refetch()} />;
  if (!repos) return <div className="skeleton h-9" />;
  const isNone = repos.length === 0;
  return (
    <div className="flex flex-col gap-2">
      {!isNone && (
        <div className="flex gap-2">
          <div className="relative min-w-0 flex-1">
            <FolderGit2 size={15} aria-hidden="true" className="pointer-events-none absolute top-2.5 left-2.5 text-muted" />
            <select
              aria-label="Repository"
              value={value ?? ""}
              onChange={(event) => onChange(event.target.value || null)}
              className="h-9 w-full max-[719px]:h-10 rounded-md border border-strong bg-surface pr-2 pl-8"
            >
              {value === null && <option value="">Choose a repository</option>}
              {repos.map((repo) => (
                <option key={repo.id} value={repo.id}>
                  {repo.name}
                  {repo.state === "cloning" ? " (cloning)" : repo.state === "failed" ? " (failed)" : ""}
                </option>
              ))}
            </select>
          </div>
          {!isAdding && (
            <Button className="h-9" onClick={() => setAdding(true)}>
              <Plus size={14} aria-hidden="true" />
              Add
            </Button>
          )}
        </div>
      )}
      {(isAdding || isNone) && (
        <AddRepo
          onCancel={isNone ? null : () => setAdding(false)}
          onAdded={(repo) => {
            onChange(repo.id);
            setAdding(false);
          }}
        />
      )}
      {chosen?.state === "cloning" && <Progress repo={chosen} />}
      {chosen?.state === "failed" && (
        <p role="alert" className="text-fail">
          {chosen.name} could not be cloned: {chosen.failure ?? "the reason is not known"}
        </p>
      )}
    </div>
  );
}
