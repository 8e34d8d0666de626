// The dialog for a new session: repository, prompt, agent. Everything has a default but the prompt.
import { useMutation } from "@tanstack/react-query";
import { useId, useRef, useState } from "react";
import { useInstance } from "@/app/live";
import { navigate, pathOf } from "@/app/router";
import { recall, remember } from "@/app/storage";
import { useUi } from "@/app/ui-state";
import type { Engine } from "@/board/engine";
import { RepoPicker, useRepos } from "@/features/repos/RepoPicker";
import { api } from "@/net/api";
import { Button, Key } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { ProblemNote } from "@/ui/states";
import type { AgentInfo, CreateSession } from "@/wire";

const DRAFT = "draft.new";
const EXAMPLES = 6;

function close(): void {
  useUi.setState({ creating: { isOpen: false } });
}

/** Which agent and model are chosen; remembered for the next time. */
function useAgentChoice(agents: readonly AgentInfo[]) {
  const [choice, setChoice] = useState(() => recall("agent"));
  const options = agents.flatMap((agent) => agent.models.map((model) => ({ key: `${agent.name}\n${model.name}`, agent, model })));
  const current = options.find((option) => option.key === choice) ?? options[0] ?? null;
  const choose = (key: string) => {
    setChoice(key);
    remember("agent", key);
  };
  return { options, current, choose };
}

function AgentSelect({ agents, choice }: { agents: readonly AgentInfo[]; choice: ReturnType<typeof useAgentChoice> }) {
  const id = useId();
  return (
    <div className="flex min-w-0 flex-1 items-center gap-2">
      <label htmlFor={id} className="shrink-0 text-xs font-semibold text-muted">
        Agent
      </label>
      <select
        id={id}
        value={choice.current?.key ?? ""}
        onChange={(event) => choice.choose(event.target.value)}
        className="h-8 min-w-0 flex-1 rounded-md border border-strong bg-surface px-2 max-[719px]:h-10"
      >
        {agents.map((agent) => (
          <optgroup key={agent.name} label={agent.title}>
            {agent.models.map((model) => (
              <option key={model.name} value={`${agent.name}\n${model.name}`}>
                {agent.title} · {model.title}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
    </div>
  );
}

/** Prompts to try the agent with; a click puts one into the field. */
function Examples({ agent, onChoose }: { agent: AgentInfo; onChoose: (prompt: string, model: string) => void }) {
  const examples = agent.models.filter((model) => model.example_prompt !== null).slice(0, EXAMPLES);
  if (examples.length === 0) return null;
  return (
    <fieldset className="flex flex-wrap gap-1.5">
      <legend className="mb-1.5 text-xs font-semibold text-muted">Try</legend>
      {examples.map((model) => (
        <button
          key={model.name}
          type="button"
          title={model.example_prompt ?? ""}
          onClick={() => onChoose(model.example_prompt ?? "", model.name)}
          className="h-7 rounded-full border border-strong px-2.5 text-xs hover:bg-fg/7 max-[719px]:h-10 max-[719px]:px-4"
        >
          {model.title}
        </button>
      ))}
    </fieldset>
  );
}

/** The dialog. */
export default function NewSession({ board, engine }: { board: string; engine: Engine | null }) {
  const instance = useInstance();
  const agents = instance.data?.agents ?? [];
  const choice = useAgentChoice(agents);
  const [repo, setRepo] = useState<string | null>(() => recall("repo"));
  const { data: repos } = useRepos();
  const known = repos?.find((it) => it.id === repo);
  const [prompt, setPrompt] = useState(() => recall(DRAFT) ?? "");
  const field = useRef<HTMLTextAreaElement>(null);
  const write = (text: string) => {
    setPrompt(text);
    remember(DRAFT, text || null);
  };
  const create = useMutation({
    mutationFn: (body: CreateSession) => api.sessions.create(body),
    onSuccess: (session) => {
      remember(DRAFT, null);
      remember("repo", session.repo_id);
      close();
      navigate(pathOf(board, session.id));
      // The card may come a moment later than the answer: it is revealed when it is there.
      const stop = engine?.channel.store.subscribe(session.id, () => {
        stop?.();
        requestAnimationFrame(() => engine?.reveal(session.id));
      });
      if (engine?.items.has(session.id)) stop?.();
    },
  });
  const isReady = known?.state === "ready" && prompt.trim() !== "" && choice.current !== null && !create.isPending;
  const submit = () => {
    if (!isReady || !known || !choice.current) return;
    create.mutate({
      board_id: board,
      repo_id: known.id,
      prompt: prompt.trim(),
      agent: choice.current.agent.name,
      model: choice.current.model.name,
    });
  };
  return (
    <Dialog
      isOpen
      onClose={close}
      title="New session"
      description="An agent works on your prompt in a worktree and on a branch of its own."
    >
      <form
        className="flex min-h-0 flex-col gap-4 overflow-y-auto px-5 pt-3 pb-5"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          submit();
        }}
      >
        <textarea
          ref={field}
          autoFocus
          aria-label="Prompt"
          rows={5}
          placeholder="What should be done?"
          value={prompt}
          onChange={(event) => write(event.target.value)}
          className="min-h-28 w-full resize-y rounded-lg border border-strong bg-surface px-3 py-2.5 text-base"
        />
        {choice.current && (
          <Examples
            agent={choice.current.agent}
            onChoose={(text, model) => {
              write(text);
              // A model of its own prompt was chosen by hand: take the one that the example is for.
              if (choice.current?.model.example_prompt != null) choice.choose(`${choice.current.agent.name}\n${model}`);
              field.current?.focus();
            }}
          />
        )}
        <RepoPicker value={known ? repo : null} onChange={setRepo} />
        {instance.isError && <ProblemNote error={instance.error} onRetry={() => void instance.refetch()} />}
        {create.isError && <ProblemNote error={create.error} />}
        <div className="flex flex-wrap items-center gap-3">
          <AgentSelect agents={agents} choice={choice} />
          <Button variant="primary" type="submit" disabled={!isReady} className="max-[719px]:w-full">
            {create.isPending ? "Creating…" : "Create session"}
            <span className="max-[719px]:hidden">
              <Key>Ctrl ↵</Key>
            </span>
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
