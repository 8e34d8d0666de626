// A tool call: one line, and what went in and came out below it.
import {
  Ban,
  Check,
  ChevronDown,
  ChevronRight,
  CircleX,
  FilePen,
  FilePlus,
  FileText,
  FolderTree,
  Hand,
  LoaderCircle,
  type LucideIcon,
  Network,
  Terminal,
  Wrench,
} from "lucide-react";
import { useState } from "react";
import { Patch } from "@/features/diff/Patch";
import type { Channel } from "@/net/client";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { duration } from "@/ui/format";
import { ScrollPre } from "@/ui/ScrollPre";
import type { Body, Message, ToolState } from "@/wire";
import { useText } from "./model";
import { PermissionCard, PermissionRecord } from "./PermissionCard";

type ToolBody = Extract<Body, { kind: "tool" }>;

/** Lines of output shown before one asks for the rest. */
const OUTPUT_LINES = 30;

const ICON: Record<string, LucideIcon | undefined> = {
  bash: Terminal,
  read: FileText,
  write: FilePlus,
  edit: FilePen,
  list: FolderTree,
};

const STATE: Record<ToolState, { word: string; look: string; Icon: LucideIcon }> = {
  awaiting_approval: { word: "Needs you", look: "text-need", Icon: Hand },
  running: { word: "Running", look: "text-run", Icon: LoaderCircle },
  done: { word: "Done", look: "text-muted", Icon: Check },
  failed: { word: "Failed", look: "text-fail", Icon: CircleX },
  denied: { word: "Denied", look: "text-fail", Icon: Ban },
  cancelled: { word: "Cancelled", look: "text-muted", Icon: Ban },
};

/** The part of the arguments that says what is done: the command or the path, else all of them. */
export function essence(input: unknown): string {
  if (typeof input === "object" && input !== null) {
    if ("command" in input && typeof input.command === "string") return input.command;
    if ("path" in input && typeof input.path === "string") return input.path;
  }
  return typeof input === "string" ? input : JSON.stringify(input, null, 2);
}

function Output({ text, isLive }: { text: string; isLive: boolean }) {
  const [isWhole, setWhole] = useState(false);
  const lines = text.replace(/\n$/, "").split("\n");
  const isCut = !isWhole && lines.length > OUTPUT_LINES;
  // While it runs, the end is what matters; afterwards one reads from the start.
  const shown = isCut ? (isLive ? lines.slice(-OUTPUT_LINES) : lines.slice(0, OUTPUT_LINES)) : lines;
  return (
    <>
      <ScrollPre label="Output" text={shown.join("\n")} className="max-h-120 px-3 py-2" />
      {isCut && (
        <Button variant="ghost" className="h-7 w-full rounded-none border-t border-t-line text-muted" onClick={() => setWhole(true)}>
          Show all {lines.length} lines
        </Button>
      )}
    </>
  );
}

function ToolDetails({ body, text }: { body: ToolBody; text: string }) {
  const what = essence(body.input);
  const isCommand = body.tool === "bash";
  return (
    <div className="divide-y border-t">
      {body.change ? (
        <Patch patch={body.change.patch} label={`Change of ${body.change.path}`} />
      ) : (
        <ScrollPre
          label="Input"
          text={isCommand ? `$ ${what}` : JSON.stringify(body.input, null, 2)}
          className="max-h-60 bg-sunken px-3 py-2"
        />
      )}
      {text ? (
        <Output text={text} isLive={body.state === "running"} />
      ) : (
        !body.change && <div className="px-3 py-2 text-xs text-muted">{body.state === "running" ? "No output yet" : "No output"}</div>
      )}
    </div>
  );
}

/** The block. Changes of files are open, so that one sees what was done; the rest opens on a click. */
export function ToolBlock({ channel, message, body }: { channel: Channel; message: Message; body: ToolBody }) {
  const text = useText(channel, message);
  const [wanted, setWanted] = useState<boolean | null>(null);
  const isRunning = body.state === "running";
  const isWaiting = body.state === "awaiting_approval" && body.permission?.decision === null;
  const isOpen = wanted ?? (body.change !== null || (isRunning && text !== "") || body.state === "failed");
  const { word, look, Icon: StateIcon } = STATE[body.state];
  const Icon = ICON[body.tool] ?? (body.tool.includes("session") || body.tool.includes("grove") ? Network : Wrench);
  const Arrow = isOpen ? ChevronDown : ChevronRight;
  const title = body.title || essence(body.input);
  const isNamed = body.tool === "bash" || title.toLowerCase().includes(body.tool.toLowerCase());
  return (
    <div className="flex flex-col gap-2">
      <section aria-label={`Tool ${body.tool}`} data-tool-state={body.state} className="overflow-hidden rounded-lg border bg-surface">
        <button
          type="button"
          aria-expanded={isOpen}
          onClick={() => setWanted(!isOpen)}
          className="flex min-h-8 w-full items-center gap-2 px-2.5 py-1 text-left hover:bg-sunken max-[719px]:min-h-11"
        >
          <Icon size={14} className="shrink-0 text-muted" aria-hidden="true" />
          <span className="min-w-0 flex-1 truncate">
            {isNamed ? null : <span className="text-muted">{body.tool} </span>}
            {title}
          </span>
          {body.duration_ms !== null && <span className="shrink-0 text-2xs text-muted tabular-nums">{duration(body.duration_ms)}</span>}
          <span className={cx("inline-flex shrink-0 items-center gap-1 text-2xs font-semibold", look)}>
            <StateIcon size={12} strokeWidth={2.5} aria-hidden="true" className={isRunning ? "animate-spin" : ""} />
            {word}
          </span>
          <Arrow size={14} className="shrink-0 text-muted" aria-hidden="true" />
        </button>
        {isOpen && <ToolDetails body={body} text={text} />}
      </section>
      {body.permission && isWaiting && (
        <PermissionCard
          key={body.permission.id}
          request={{ session: message.session_id, permission: body.permission, title: body.title, what: essence(body.input) }}
        />
      )}
      {body.permission && !isWaiting && <PermissionRecord permission={body.permission} isWithdrawn={body.state === "cancelled"} />}
    </div>
  );
}
