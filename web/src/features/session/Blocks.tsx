// The entries of a conversation other than tool calls.
import { Brain, ChevronDown, ChevronRight, CircleAlert, Hourglass, Info } from "lucide-react";
import { memo, useState } from "react";
import { useUsers } from "@/app/live";
import { Avatar } from "@/features/people/Avatar";
import type { Channel } from "@/net/client";
import { cx } from "@/ui/cx";
import { cost, duration, time, tokens } from "@/ui/format";
import type { ErrorClass, Message, Task } from "@/wire";
import { Markdown } from "./Markdown";
import { useText } from "./model";
import { ToolBlock } from "./ToolBlock";

const GROVE = { name: "Grove", emoji: "", slot: 11 };

/** Through what a prompt came, when not through this page. */
function viaWord(via: string): string | null {
  if (via.startsWith("mcp:")) return "from another session";
  return via === "cli" ? "from the command line" : via === "api" ? "through the API" : null;
}

/** A prompt with its author. */
export function PromptBlock({ text, author, at, task }: { text: string; author: string | null; at: number; task: Task | undefined }) {
  const userOf = useUsers();
  const user = userOf(author);
  const via = task ? viaWord(task.via) : null;
  return (
    <article aria-label="Prompt" className="rounded-lg border border-strong bg-surface px-3 py-2.5">
      <header className="mb-1 flex items-center gap-2 text-xs">
        <Avatar person={user ?? GROVE} size={18} />
        <span className="font-semibold">{user?.name ?? (via ? "A session" : "Somebody")}</span>
        {via && <span className="text-muted">{via}</span>}
        <span className="text-muted">{time(at)}</span>
        {task?.state === "queued" && (
          <span className="ml-auto inline-flex items-center gap-1 font-semibold text-wait">
            <Hourglass size={12} aria-hidden="true" />
            Waiting
          </span>
        )}
      </header>
      <div className="text-base leading-[21px] break-words whitespace-pre-wrap">{text}</div>
    </article>
  );
}

function TextBlock({ channel, message }: { channel: Channel; message: Message }) {
  const text = useText(channel, message);
  return (
    <div data-message={message.id} className={cx("px-1 text-base leading-[21px]", message.is_streaming && text === "" && "caret")}>
      <Markdown text={text} />
    </div>
  );
}

function ThinkingBlock({ channel, message }: { channel: Channel; message: Message }) {
  const text = useText(channel, message);
  const [wanted, setWanted] = useState<boolean | null>(null);
  const isOpen = wanted ?? message.is_streaming;
  const Arrow = isOpen ? ChevronDown : ChevronRight;
  const first = text.split("\n", 1)[0] ?? "";
  return (
    <section aria-label="Thinking" className="px-1 text-muted">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setWanted(!isOpen)}
        className="flex w-full items-center gap-1.5 rounded-sm text-left text-xs"
      >
        <Brain size={13} className="shrink-0" aria-hidden="true" />
        <span className="shrink-0 font-medium">{message.is_streaming ? "Thinking" : "Thought"}</span>
        {!isOpen && <span className="min-w-0 flex-1 truncate">{first}</span>}
        <Arrow size={13} className="shrink-0" aria-hidden="true" />
      </button>
      {isOpen && (
        <div className={cx("mt-1 ml-1.5 border-l-2 border-strong pl-3 break-words whitespace-pre-wrap", message.is_streaming && "caret")}>
          {text}
        </div>
      )}
    </section>
  );
}

const ERROR_WORD: Record<ErrorClass, string> = {
  rate_limit: "The provider asks to slow down",
  auth: "The provider did not accept the credentials",
  quota: "The provider's quota is used up",
  overloaded: "The provider is overloaded",
  network: "The provider could not be reached",
  context: "The conversation is too long for the model",
  protocol: "The provider's answer could not be understood",
  limit: "A limit was reached",
  internal: "The agent failed",
};

function ErrorBlock({ text, kind }: { text: string; kind: ErrorClass }) {
  return (
    <div role="alert" className="flex items-start gap-2.5 rounded-lg border border-fail/40 bg-fail-fill px-3 py-2.5">
      <CircleAlert size={15} className="mt-0.5 shrink-0 text-fail" aria-hidden="true" />
      <div className="min-w-0 break-words">
        <div className="font-semibold">{ERROR_WORD[kind] ?? "The agent failed"}</div>
        {text && <div className="whitespace-pre-wrap">{text}</div>}
      </div>
    </div>
  );
}

/** One message, by its kind. */
export const MessageView = memo(function MessageView({
  channel,
  message,
  task,
}: {
  channel: Channel;
  message: Message;
  task: Task | undefined;
}) {
  const { body } = message;
  switch (body.kind) {
    case "prompt":
      return <PromptBlock text={message.text} author={message.author} at={message.created_at_ms} task={task} />;
    case "text":
      return <TextBlock channel={channel} message={message} />;
    case "thinking":
      return <ThinkingBlock channel={channel} message={message} />;
    case "tool":
      return <ToolBlock channel={channel} message={message} body={body} />;
    case "error":
      return <ErrorBlock text={message.text} kind={body.class} />;
    case "notice":
      return (
        <div className="flex items-start gap-2 px-1 text-xs text-muted">
          <Info size={13} className="mt-0.5 shrink-0" aria-hidden="true" />
          <span className="min-w-0 break-words whitespace-pre-wrap">{message.text}</span>
        </div>
      );
  }
});

const ENDED: Partial<Record<Task["state"], string>> = { cancelled: "Stopped", failed: "Failed", lost: "Lost" };

/** The line below a task that is over: how it ended, how long it took, what it cost. */
export function TaskEnd({ task }: { task: Task }) {
  if (task.ended_at_ms === null) return null;
  const took = task.started_at_ms === null ? null : duration(task.ended_at_ms - task.started_at_ms);
  const { usage } = task;
  const count = tokens(usage.input_tokens + usage.output_tokens + usage.cache_read_tokens + usage.cache_write_tokens);
  const word = ENDED[task.state];
  const parts = [took, count && `${count} tokens`, cost(usage.cost_micro_usd)].filter(Boolean);
  return (
    <div className="flex items-center gap-2 text-2xs text-muted tabular-nums">
      <span aria-hidden="true" className="h-px flex-1 bg-line" />
      <span className="max-w-[80%] text-center">
        {word && <span className={cx("font-semibold", task.state === "cancelled" ? "text-fg" : "text-fail")}>{word}</span>}
        {word && task.failure && `: ${task.failure}`}
        {word && parts.length > 0 && " · "}
        {parts.join(" · ")}
      </span>
      <span aria-hidden="true" className="h-px flex-1 bg-line" />
    </div>
  );
}
