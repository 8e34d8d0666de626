// The conversation: blocks in order, bound to the end unless one scrolls up.
import { ArrowDown, LoaderCircle, MessageSquare } from "lucide-react";
import { type ReactNode, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { ErrorBoundary } from "@/app/ErrorBoundary";
import { CommentedMessage } from "@/features/comments/SessionComments";
import type { Channel } from "@/net/client";
import { Button } from "@/ui/Button";
import { Nothing } from "@/ui/states";
import type { Message, Task } from "@/wire";
import { MessageView, PromptBlock, TaskEnd } from "./Blocks";
import { type SessionModel, useOlder } from "./model";

/** Closer to the end than this counts as being there. */
const NEAR_END_PX = 48;
const LOAD_FROM_TOP_PX = 240;

/** Keeps the end in view while one is there; tells whether one is. */
function useStick(count: number) {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const isStuck = useRef(true);
  const [unseen, setUnseen] = useState(0);
  const before = useRef(count);
  const toEnd = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    isStuck.current = true;
    setUnseen(0);
    element.scrollTop = element.scrollHeight;
  }, []);
  useEffect(() => {
    const element = content.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      if (isStuck.current) toEnd();
    });
    observer.observe(element);
    if (scroller.current) observer.observe(scroller.current);
    return () => observer.disconnect();
  }, [toEnd]);
  useEffect(() => {
    const added = count - before.current;
    before.current = count;
    if (added > 0 && !isStuck.current) setUnseen((known) => known + added);
  }, [count]);
  const onScroll = () => {
    const element = scroller.current;
    if (!element) return;
    isStuck.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END_PX;
    if (isStuck.current) setUnseen(0);
  };
  return { scroller, content, unseen, isStuck, toEnd, onScroll };
}

/** Blocks with the end of each task after its last message. */
function blocks(channel: Channel, messages: readonly Message[], tasks: Map<string, Task>): ReactNode[] {
  const nodes: ReactNode[] = [];
  messages.forEach((message, index) => {
    const task = tasks.get(message.task_id);
    nodes.push(
      <ErrorBoundary key={message.id} name="This entry">
        <CommentedMessage message={message.id}>
          <MessageView channel={channel} message={message} task={task} />
        </CommentedMessage>
      </ErrorBoundary>,
    );
    const isLast = messages[index + 1]?.task_id !== message.task_id;
    if (isLast && task) nodes.push(<TaskEnd key={`end-${task.id}`} task={task} />);
  });
  return nodes;
}

/** The tab. */
export function Conversation({ channel, model, id }: { channel: Channel; model: SessionModel; id: string }) {
  const { older, hasMore, isLoading, load } = useOlder(id, model.messages);
  const messages = older.length > 0 ? [...older, ...model.messages] : model.messages;
  const { scroller, content, unseen, isStuck, toEnd, onScroll } = useStick(model.messages.length);
  const height = useRef(0);

  const prompted = new Set(messages.map((message) => message.task_id));
  const waiting = [...model.tasks.values()]
    .filter((task) => task.state === "queued" && !prompted.has(task.id))
    .sort((a, b) => a.index - b.index);

  const loadOlder = () => {
    const element = scroller.current;
    if (!hasMore || !element || isLoading) return;
    height.current = element.scrollHeight;
    void load();
  };
  // Older entries came in above: what one reads stays where it is.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only the count of older entries matters
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element && height.current > 0 && !isStuck.current) element.scrollTop += element.scrollHeight - height.current;
    height.current = 0;
  }, [older.length]);

  return (
    <div className="relative min-h-0 flex-1">
      <div
        ref={scroller}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        role="log"
        aria-label="Conversation"
        aria-live="off"
        onScroll={(event) => {
          onScroll();
          if (event.currentTarget.scrollTop < LOAD_FROM_TOP_PX) loadOlder();
        }}
        className="size-full overflow-y-auto overscroll-contain outline-offset-[-2px]"
      >
        <div ref={content} className="mx-auto flex max-w-190 flex-col gap-3 px-4 py-4">
          {hasMore && (
            <Button variant="ghost" className="self-center text-muted" disabled={isLoading} onClick={loadOlder}>
              {isLoading && <LoaderCircle size={14} className="animate-spin" aria-hidden="true" />}
              Older entries
            </Button>
          )}
          {blocks(channel, messages, model.tasks)}
          {waiting.map((task) => (
            <PromptBlock key={task.id} text={task.prompt} author={task.created_by} at={task.created_at_ms} task={task} />
          ))}
          {messages.length === 0 && waiting.length === 0 && (
            <Nothing icon={<MessageSquare size={22} />} title="No prompt yet">
              Say below what should be done. The agent works on its own branch; nothing else is touched.
            </Nothing>
          )}
        </div>
      </div>
      {unseen > 0 && (
        <button
          type="button"
          onClick={toEnd}
          className="pop absolute bottom-3 left-1/2 inline-flex h-8 -translate-x-1/2 items-center gap-1.5 rounded-full border border-strong bg-raised px-3 text-xs font-semibold shadow-(--float)"
        >
          <ArrowDown size={13} aria-hidden="true" />
          {unseen} new
        </button>
      )}
    </div>
  );
}
