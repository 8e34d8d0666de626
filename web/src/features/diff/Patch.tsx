// A patch with colours and line numbers.
import { memo, useMemo, useState } from "react";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
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

function Row({ line, hasNumbers }: { line: PatchLine; hasNumbers: boolean }) {
  return (
    <div className={cx("flex min-w-full", LOOK[line.kind])}>
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

/** The patch of one file. */
export const Patch = memo(function Patch({ patch, label, hasNumbers = true }: { patch: string; label: string; hasNumbers?: boolean }) {
  const lines = useMemo(() => parsePatch(patch), [patch]);
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? lines : lines.slice(0, SHOWN);
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section aria-label={label} tabIndex={0} className="overflow-x-auto font-mono text-xs leading-[18px]">
        <div className="w-max min-w-full">
          {shown.map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a patch never move
            <Row key={index} line={line} hasNumbers={hasNumbers} />
          ))}
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
