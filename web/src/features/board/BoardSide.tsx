// The lists beside the board: outline and comments.
import { X } from "lucide-react";
import { Tabs } from "radix-ui";
import type { BoardState } from "@/board/state";
import { CommentList } from "@/features/comments/CommentList";
import { useThreads } from "@/features/comments/hooks";
import { IconButton } from "@/ui/Button";
import type { BoardActions } from "./actions";
import { Outline } from "./Outline";
import { nameOf } from "./Things";
import { type Side, toggleSide } from "./ui-state";

const TAB =
  "h-10 border-b-2 border-transparent px-1 font-medium text-muted hover:text-fg data-[state=active]:border-fg data-[state=active]:text-fg";

/** The list that is open. */
export function BoardSide({ actions, state, side }: { actions: BoardActions; state: BoardState; side: Side }) {
  const { engine } = actions;
  const open = useThreads(engine.channel.store).filter(({ root }) => !root.is_resolved).length;
  return (
    <Tabs.Root value={side} onValueChange={(value) => value !== side && toggleSide(value as Side)} asChild>
      <nav aria-label="Lists of the board" className="flex h-full w-72 flex-col border-r bg-surface" data-no-drag>
        <div className="flex shrink-0 items-center border-b pr-1 pl-4">
          <Tabs.List aria-label="Lists" className="flex flex-1 gap-4">
            <Tabs.Trigger value="outline" className={TAB}>
              Outline
            </Tabs.Trigger>
            <Tabs.Trigger value="comments" className={TAB}>
              Comments{open > 0 && <span className="ml-1.5 rounded-full bg-fg/8 px-1.5 text-2xs">{open}</span>}
            </Tabs.Trigger>
          </Tabs.List>
          <IconButton label="Close the list" onClick={() => toggleSide(side)}>
            <X size={15} />
          </IconButton>
        </div>
        <Tabs.Content value="outline" tabIndex={-1} className="min-h-0 flex-1 overflow-y-auto">
          <Outline actions={actions} state={state} />
        </Tabs.Content>
        <Tabs.Content value="comments" tabIndex={-1} className="min-h-0 flex-1 overflow-y-auto">
          <CommentList engine={engine} nameOf={(id) => nameOf(engine, id)} />
        </Tabs.Content>
      </nav>
    </Tabs.Root>
  );
}
