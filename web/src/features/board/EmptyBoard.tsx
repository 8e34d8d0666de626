// What an empty board offers: the one thing to do next.
import { SquarePlus } from "lucide-react";
import { startCreating } from "@/app/ui-state";
import { useMay } from "@/features/rights/useMay";
import { Button, Key } from "@/ui/Button";

/** Shown in the middle of a board without anything on it. */
export function EmptyBoard({ board }: { board: string }) {
  const may = useMay(board);
  const canStart = may.can("prompt");
  return (
    <div className="pointer-events-none absolute inset-0 flex items-center justify-center p-6">
      <div className="pointer-events-auto flex w-90 max-w-full flex-col items-center gap-3 rounded-xl border border-dashed border-strong bg-surface px-6 py-8 text-center">
        <div className="text-lg font-semibold">Nothing on this board yet</div>
        <p className="text-balance text-muted">
          A session is an agent that works on a branch of its own. Everybody on the board sees it work.
        </p>
        {canStart ? (
          <>
            <Button variant="primary" onClick={startCreating}>
              <SquarePlus size={15} aria-hidden="true" />
              Start the first session
            </Button>
            <p className="text-xs text-muted max-[719px]:hidden">
              or press <Key>S</Key>
            </p>
          </>
        ) : (
          <p>{may.why("prompt")}</p>
        )}
      </div>
    </div>
  );
}
