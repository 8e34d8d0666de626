// A session on the board itself, seen from near: its last messages, a line to prompt, what needs an answer.
import { CornerDownLeft, PanelRight, Square } from "lucide-react";
import { useState } from "react";
import { useChannel, useTopicVersion } from "@/app/live";
import { openSession } from "@/app/router";
import { api } from "@/net/api";
import type { Channel } from "@/net/client";
import { Button, IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { toastProblem } from "@/ui/toasts";
import type { Decision, Message } from "@/wire";
import { useSessionModel, useText } from "./model";
import { isBusy } from "./state";

/** Messages shown; more are in the panel. */
const SHOWN = 6;

function Line({ channel, message }: { channel: Channel; message: Message }) {
  const text = useText(channel, message);
  const { body } = message;
  const words = body.kind === "tool" ? body.title : text;
  const last = body.kind === "text" || body.kind === "thinking" ? words.trimEnd().split("\n").pop() : words.split("\n", 1)[0];
  return <div className={cx("shrink-0 truncate", body.kind === "prompt" ? "font-medium" : "text-muted")}>{last}</div>;
}

/** Allow and deny, for the request that waits. */
function Answer({ id, request }: { id: string; request: string }) {
  const answer = (decision: Decision) => void api.sessions.answer(id, request, { decision }).catch(toastProblem);
  return (
    <>
      <Button variant="allow" onClick={() => answer("allow")}>
        Allow
      </Button>
      <Button variant="danger" onClick={() => answer("deny")}>
        Deny
      </Button>
    </>
  );
}

function Loaded({ channel, id }: { channel: Channel; id: string }) {
  const { session, messages } = useSessionModel(channel);
  const [text, setText] = useState("");
  if (!session) return null;
  const send = async () => {
    const words = text.trim();
    if (!words) return;
    setText("");
    try {
      await api.sessions.prompt(id, { text: words });
    } catch (error) {
      setText(words);
      toastProblem(error);
    }
  };
  const waiting = messages.findLast(({ body }) => body.kind === "tool" && body.state === "awaiting_approval")?.body;
  const request = waiting?.kind === "tool" ? waiting.permission?.id : undefined;
  return (
    <>
      <div className="flex min-h-0 flex-1 flex-col justify-end overflow-hidden text-xs">
        {messages.slice(-SHOWN).map((message) => (
          <Line key={message.id} channel={channel} message={message} />
        ))}
      </div>
      <div className="flex shrink-0 items-center gap-1">
        {request !== undefined && <Answer id={id} request={request} />}
        <input
          aria-label={`Prompt for ${session.title}`}
          value={text}
          disabled={session.state === "archived"}
          placeholder={isBusy(session.state) ? "Prompt: waits for its turn" : "Prompt"}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            event.stopPropagation();
            if (event.key === "Enter") void send();
          }}
          className="h-8 min-w-0 flex-1 rounded-md border border-strong bg-surface px-2"
        />
        <IconButton label="Send the prompt" disabled={!text.trim()} onClick={() => void send()}>
          <CornerDownLeft size={15} />
        </IconButton>
        {isBusy(session.state) && request === undefined && (
          <IconButton label="Stop" onClick={() => void api.sessions.stop(id).catch(toastProblem)}>
            <Square size={14} />
          </IconButton>
        )}
        <IconButton label="Open in the panel" onClick={() => openSession(id)}>
          <PanelRight size={15} />
        </IconButton>
      </div>
    </>
  );
}

/** The inside of a card that is seen from near. */
export default function SessionWindow({ id, title }: { id: string; title: string }) {
  const channel = useChannel(`session:${id}`);
  useTopicVersion(channel?.store ?? null);
  return (
    <div className="session-window">
      <div className="shrink-0 truncate text-base font-semibold">{title}</div>
      {channel?.store.isLoaded ? <Loaded channel={channel} id={id} /> : <div className="skeleton mt-1 h-16" />}
    </div>
  );
}
