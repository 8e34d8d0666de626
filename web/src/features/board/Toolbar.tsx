// The board's tools, bottom centre: what can be put on it, and what the pointer does.
import {
  Eye,
  FileText,
  Hand,
  Image,
  type LucideIcon,
  MessageSquarePlus,
  MousePointer2,
  Spline,
  SquareDashed,
  SquarePlus,
  StickyNote,
  Type,
} from "lucide-react";
import { useRef } from "react";
import { share, startCreating } from "@/app/ui-state";
import { type BoardState, isDrawTool, isToolAllowed, type Tool } from "@/board/state";
import type { May } from "@/features/rights/useMay";
import { IconButton, Key } from "@/ui/Button";
import { Tip } from "@/ui/Tip";
import type { BoardActions } from "./actions";
import { IMAGE_TYPES, sendImages } from "./images";

interface ToolButton {
  tool: Tool;
  label: string;
  keys?: string;
  Icon: LucideIcon;
}

/** The tools, by their place in the bar. */
export const POINTERS: readonly ToolButton[] = [
  { tool: "select", label: "Select", keys: "V", Icon: MousePointer2 },
  { tool: "hand", label: "Move the board", keys: "H", Icon: Hand },
];
export const MAKERS: readonly ToolButton[] = [
  { tool: "note", label: "New note", keys: "N", Icon: StickyNote },
  { tool: "text", label: "New text", keys: "T", Icon: Type },
  { tool: "zone", label: "New zone", keys: "Z", Icon: SquareDashed },
  { tool: "document", label: "New document", Icon: FileText },
  { tool: "edge", label: "Draw an arrow", keys: "X", Icon: Spline },
  { tool: "comment", label: "Comment", keys: "C", Icon: MessageSquarePlus },
];

function Line() {
  return <span aria-hidden="true" className="mx-1 h-5 w-px shrink-0 bg-line" />;
}

/** What to do now, while a tool is taken that needs a place. */
function Hint({ state }: { state: BoardState }) {
  const { tool, linkFrom } = state;
  const isEdge = tool === "edge" || linkFrom !== null;
  if (!isDrawTool(tool) && !isEdge && tool !== "comment") return null;
  const words = isEdge
    ? linkFrom
      ? "Now click what the arrow points to."
      : "Drag from one thing to another, or click both."
    : tool === "comment"
      ? "Click what you want to say something about."
      : "Click or drag where it should be.";
  return (
    <div
      role="status"
      className="absolute inset-x-2 bottom-16 mx-auto flex w-fit max-w-[calc(100%-16px)] flex-wrap items-center gap-2 rounded-lg bg-ink px-3 py-1.5 text-xs text-on-ink"
    >
      {words}
      {isDrawTool(tool) && (
        <span className="flex items-center gap-1">
          <Key>Enter</Key> in the middle
        </span>
      )}
      <span className="flex items-center gap-1">
        <Key>Esc</Key> done
      </span>
    </div>
  );
}

/** In place of the tools: what one may do, and who can give more. */
function ReadOnly({ may }: { may: May }) {
  return (
    <button
      type="button"
      onClick={() => share(true)}
      className="inline-flex min-h-9 items-center gap-2 rounded-md px-2.5 py-1 text-left hover:bg-fg/7"
    >
      <Eye size={15} aria-hidden="true" className="shrink-0 text-muted" />
      <span>{may.why("prompt")}</span>
    </button>
  );
}

/** The toolbar. */
export function Toolbar({ actions, state, may }: { actions: BoardActions; state: BoardState; may: May }) {
  const { engine } = actions;
  const file = useRef<HTMLInputElement>(null);
  const button = ({ tool, label, keys, Icon }: ToolButton) => (
    <Tip key={tool} text={label} {...(keys && { keys })} side="top">
      <IconButton
        label={label}
        isOn={state.tool === tool}
        onClick={() => engine.setTool(state.tool === tool ? "select" : tool)}
        className="size-9"
      >
        <Icon size={17} />
      </IconButton>
    </Tip>
  );
  return (
    <>
      <Hint state={state} />
      <div
        role="toolbar"
        aria-label="Board tools"
        data-no-drag
        className="absolute inset-x-2 bottom-3 mx-auto flex w-fit max-w-[calc(100%-16px)] items-center gap-0.5 overflow-x-auto rounded-xl border border-strong bg-raised p-1 shadow-(--float)"
      >
        {POINTERS.map(button)}
        <Line />
        {state.canEdit && (
          <>
            <Tip text="New session" keys="S" side="top">
              <button
                type="button"
                onClick={startCreating}
                className="inline-flex h-9 shrink-0 items-center gap-1.5 rounded-md bg-ink px-3 font-medium text-on-ink hover:opacity-88"
              >
                <SquarePlus size={15} aria-hidden="true" />
                New session
              </button>
            </Tip>
            <Line />
          </>
        )}
        {MAKERS.filter(({ tool }) => isToolAllowed(tool, state)).map(button)}
        {state.canEdit ? (
          <Tip text="Add an image" side="top">
            <IconButton label="Add an image" onClick={() => file.current?.click()} className="size-9">
              <Image size={17} />
            </IconButton>
          </Tip>
        ) : (
          <ReadOnly may={may} />
        )}
        <input
          ref={file}
          type="file"
          accept={IMAGE_TYPES.join()}
          multiple
          hidden
          aria-label="Images for the board"
          onChange={(event) => {
            void sendImages(actions, [...(event.target.files ?? [])], engine.middle);
            event.target.value = "";
          }}
        />
      </div>
    </>
  );
}
