// A session on the board itself, seen from near: its last messages, a line to prompt, what needs an answer.
import { CornerDownLeft } from "lucide-react";
import { useState } from "react";
import { useChannel } from "@/app/live";
import { openSession } from "@/app/router";
import { api } from "@/net/api";
import type { Channel } from "@/net/client";
import { Button, IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { toastProblem } from "@/ui/toasts";
import type { Message } from "@/wire";
import { useSessionModel, useText } from "./model";
import { PermissionCard } from "./PermissionCard";
import { isBusy } from "./state";
import { essence } from "./ToolBlock";

/** Messages shown; more are in the panel. */
const SHOWN = 6;

function Line({ channel, message }: { channel: Channel; message: Message }) {
  const text = useText(channel, message);
  const { body } = message;
  const words = body.kind === "tool" ? body.title : text;
  return (
    <div className={cx("line-clamp-3 break-words whitespace-pre-wrap", body.kind === "prompt" ? "font-medium" : "text-muted")}>{words}</div>
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
      await api.sessions.prompt(id, words);
    } catch (error) {
      setText(words);
      toastProblem(error);
    }
  };
  return (
    <>
      <div className="flex min-h-0 flex-1 flex-col justify-end gap-2 overflow-hidden px-4 pt-3">
        {messages.slice(-SHOWN).map((message) => {
          const { body } = message;
          const asks = body.kind === "tool" && body.state === "awaiting_approval" ? body : null;
          if (!asks?.permission) return <Line key={message.id} channel={channel} message={message} />;
          const request = { session: id, permission: asks.permission, title: asks.title, what: essence(asks.input) };
          return <PermissionCard key={message.id} request={request} />;
        })}
      </div>
      <div className="flex items-center gap-1 p-3">
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
        {isBusy(session.state) && (
          <Button className="px-2" onClick={() => void api.sessions.stop(id).catch(toastProblem)}>
            Stop
          </Button>
        )}
        <Button className="px-2" onClick={() => openSession(id)}>
          Open
        </Button>
      </div>
    </>
  );
}

/** The window below a card. */
export default function SessionWindow({ id }: { id: string }) {
  const channel = useChannel(`session:${id}`);
  return (
    <div data-no-drag className="session-window">
      {channel?.store.isLoaded ? <Loaded channel={channel} id={id} /> : <div className="skeleton m-4 h-16" />}
    </div>
  );
}
