// The menu of the right mouse button, of a long press, and of the menu key: for the selection, or for the place.
import { DropdownMenu } from "radix-ui";
import { useEffect, useState } from "react";
import { startCreating } from "@/app/ui-state";
import { type Point, toBoard } from "@/board/geometry";
import { isDrawTool, isToolAllowed } from "@/board/state";
import { cx } from "@/ui/cx";
import { MENU_ITEM, MENU_PANEL } from "@/ui/Menu";
import type { BoardActions } from "./actions";
import { type Selection, selectionOf } from "./commands";
import { commandGroups } from "./SelectionLayer";
import { MAKERS } from "./Toolbar";
import { hasCopied, pasteHeld } from "./useClipboard";

function Item({
  onSelect,
  keys,
  isDanger,
  children,
}: {
  onSelect: () => void;
  keys?: string | undefined;
  isDanger?: boolean;
  children: React.ReactNode;
}) {
  return (
    <DropdownMenu.Item onSelect={onSelect} className={cx(MENU_ITEM, isDanger && "text-fail")}>
      <span className="flex flex-1 items-center gap-2">{children}</span>
      {keys && <span className="text-xs text-muted">{keys}</span>}
    </DropdownMenu.Item>
  );
}

function ForSelection({ selection }: { selection: Selection }) {
  return commandGroups(selection).map((group, index) => (
    <DropdownMenu.Group key={group[0]?.id}>
      {index > 0 && <DropdownMenu.Separator className="my-1 h-px bg-line" />}
      {group.map(({ id, label, Icon, keys, isDanger, run }) => (
        <Item key={id} keys={keys} isDanger={isDanger ?? false} onSelect={() => run(selection)}>
          <Icon size={15} aria-hidden="true" className="text-muted" />
          {label}
        </Item>
      ))}
    </DropdownMenu.Group>
  ));
}

function ForPlace({ actions, at }: { actions: BoardActions; at: Point }) {
  const { engine } = actions;
  return (
    <>
      {engine.state.canEdit && (
        <Item onSelect={startCreating} keys="S">
          New session
        </Item>
      )}
      {MAKERS.map(({ tool, label, keys, Icon }) =>
        tool === "edge" || !isToolAllowed(tool, engine.state) ? null : (
          <Item key={tool} keys={keys} onSelect={() => (isDrawTool(tool) ? actions.draw(tool, null, at) : engine.hooks.onPin(at, null))}>
            <Icon size={15} aria-hidden="true" className="text-muted" />
            {label}
          </Item>
        ),
      )}
      {engine.state.canComment && <DropdownMenu.Separator className="my-1 h-px bg-line" />}
      {engine.state.canEdit && hasCopied() && (
        <Item onSelect={() => void pasteHeld(actions, at)} keys="Ctrl V">
          Paste
        </Item>
      )}
      <Item onSelect={() => engine.selectAll()} keys="Ctrl A">
        Select everything
      </Item>
      <Item onSelect={() => engine.fit()} keys="⇧ 1">
        Show everything
      </Item>
    </>
  );
}

/** The menu, opened by the events of the board's own element. */
export function BoardContext({ actions }: { actions: BoardActions }) {
  const [what, setWhat] = useState<{ selection: Selection | null; at: Point; px: number; py: number } | null>(null);
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    const { engine } = actions;
    const { root } = engine.layers;
    const open = (event: MouseEvent) => {
      const target = event.target as Element;
      // Fields and what lies above the board keep the menu of the browser.
      if (target.closest("input, textarea, [contenteditable=true], [data-no-drag]")) return;
      event.preventDefault();
      const box = root.getBoundingClientRect();
      const at = toBoard(engine.view, event.clientX - box.left, event.clientY - box.top);
      const id = target.closest<HTMLElement>("[data-id]")?.dataset.id ?? engine.hit(...at);
      if (id !== null && !engine.state.selected.has(id)) engine.select(new Set([id]));
      setWhat({ selection: id === null ? null : selectionOf(actions, engine.state.selected), at, px: event.clientX, py: event.clientY });
      setOpen(true);
    };
    root.addEventListener("contextmenu", open);
    return () => root.removeEventListener("contextmenu", open);
  }, [actions]);
  return (
    <DropdownMenu.Root modal={false} open={isOpen} onOpenChange={setOpen}>
      {/* Opened only by the board: as a place, not as a button. */}
      <DropdownMenu.Trigger asChild disabled>
        <span key={`${what?.px} ${what?.py}`} aria-hidden="true" className="fixed" style={{ left: what?.px ?? 0, top: what?.py ?? 0 }} />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          side="right"
          align="start"
          sideOffset={2}
          collisionPadding={8}
          aria-label={what?.selection ? "Selection" : "Board"}
          onCloseAutoFocus={(event) => event.preventDefault()}
          className={cx(MENU_PANEL, "max-h-[80vh] min-w-56 overflow-y-auto")}
        >
          {what && (what.selection ? <ForSelection selection={what.selection} /> : <ForPlace actions={actions} at={what.at} />)}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
