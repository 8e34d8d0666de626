// A patch with colours and line numbers.
import { Plus } from "lucide-react";
import { memo, useMemo, useState } from "react";
import type { Thread } from "@/features/comments/model";
import { LineThreads, lineKey, useCanComment, useLineThreads } from "@/features/comments/SessionComments";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import type { DiffSide } from "@/wire";
import { type PatchLine, parsePatch } from "./patch";

/** Lines shown before one asks for the rest. */
const SHOWN = 400;

const LOOK: Record<PatchLine["kind"], string> = {
  add: "bg-add-fill text-add",
  del: "bg-del-fill text-del",
  hunk: "bg-sunken text-muted",
  note: "text-muted italic",
  same: "",
};
const SIGN: Record<PatchLine["kind"], string> = { add: "+", del: "−", hunk: "", note: "", same: "" };

/** The side and number by which a line is called in comments. */
function nameOf(line: PatchLine): { side: DiffSide; number: number } | null {
  if (line.kind === "hunk" || line.kind === "note") return null;
  if (line.after !== null && line.after !== undefined) return { side: "new", number: line.after };
  return line.before !== null && line.before !== undefined ? { side: "old", number: line.before } : null;
}

/** Up and down go from line to line: one stop of the Tab key for a whole patch. */
function walk(event: React.KeyboardEvent<HTMLButtonElement>): void {
  if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
  const section = event.currentTarget.closest("section");
  const buttons = [...(section?.querySelectorAll<HTMLButtonElement>(".comment-button[data-line]") ?? [])];
  const next = buttons[buttons.indexOf(event.currentTarget) + (event.key === "ArrowUp" ? -1 : 1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function Row({ line, hasNumbers, comment }: { line: PatchLine; hasNumbers: boolean; comment?: React.ReactNode }) {
  return (
    <div className={cx("commented relative flex min-w-full", LOOK[line.kind])}>
      {comment}
      {hasNumbers && line.kind !== "hunk" && (
        <span aria-hidden="true" className="w-20 shrink-0 text-right text-muted select-none">
          <span className="inline-block w-9">{line.before ?? ""}</span>
          <span className="inline-block w-9">{line.after ?? ""}</span>
        </span>
      )}
      <span aria-hidden={line.kind === "same"} className="w-5 shrink-0 text-center select-none">
        {SIGN[line.kind]}
      </span>
      <span className="pr-3 whitespace-pre">{line.text || " "}</span>
    </div>
  );
}

/** A line with what was said about it. */
function CommentedRow({
  line,
  path,
  threads,
  isFirst,
  isWriting,
  onWrite,
}: {
  line: PatchLine;
  path: string;
  threads: ReadonlyMap<string, Thread[]>;
  isFirst: boolean;
  isWriting: boolean;
  onWrite: (isWriting: boolean) => void;
}) {
  const canComment = useCanComment();
  const name = nameOf(line);
  if (!name) return <Row line={line} hasNumbers />;
  const { side, number } = name;
  const button = (
    <button
      type="button"
      data-line
      tabIndex={isFirst ? 0 : -1}
      aria-label={`Comment on line ${number}${side === "old" ? " as it was" : ""}`}
      onClick={() => onWrite(true)}
      onKeyDown={walk}
      className="comment-button absolute top-0 left-0.5 flex size-4.5 items-center justify-center rounded-sm bg-ink text-on-ink"
    >
      <Plus size={12} aria-hidden="true" />
    </button>
  );
  return (
    <>
      <Row line={line} hasNumbers {...(canComment && { comment: button })} />
      <LineThreads
        path={path}
        side={side}
        line={number}
        threads={threads.get(lineKey(side, number)) ?? []}
        isWriting={isWriting}
        onEnd={() => onWrite(false)}
      />
    </>
  );
}

/** The patch of one file; with its `path`, its lines can be commented on. */
export const Patch = memo(function Patch({
  patch,
  label,
  path,
  hasNumbers = true,
}: {
  patch: string;
  label: string;
  path?: string;
  hasNumbers?: boolean;
}) {
  const lines = useMemo(() => parsePatch(patch), [patch]);
  const [isWhole, setWhole] = useState(false);
  const [writing, setWriting] = useState<number | null>(null);
  const threads = useLineThreads(path);
  const shown = isWhole ? lines : lines.slice(0, SHOWN);
  const first = shown.findIndex((line) => nameOf(line) !== null);
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section aria-label={label} tabIndex={0} className="@container overflow-x-auto font-mono text-xs leading-[18px]">
        <div className="w-max min-w-full">
          {shown.map((line, index) =>
            threads && path !== undefined ? (
              <CommentedRow
                // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a patch never move
                key={index}
                line={line}
                path={path}
                threads={threads}
                isFirst={index === first}
                isWriting={writing === index}
                onWrite={(isWriting) => setWriting(isWriting ? index : null)}
              />
            ) : (
              // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a patch never move
              <Row key={index} line={line} hasNumbers={hasNumbers} />
            ),
          )}
        </div>
      </section>
      {shown.length < lines.length && (
        <Button variant="ghost" className="w-full rounded-none" onClick={() => setWhole(true)}>
          Show all {lines.length} lines
        </Button>
      )}
    </>
  );
});
