// The board as a tree: the same things, all of them usable without the drawing.
import {
  ChevronDown,
  ChevronRight,
  Ellipsis,
  FileText,
  Image,
  type LucideIcon,
  Spline,
  SquareDashed,
  StickyNote,
  Type,
} from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { useTopicVersion } from "@/app/live";
import { cardOf, type ItemKind } from "@/board/items";
import { type OutlineNode, outlineOf } from "@/board/outline";
import type { BoardState } from "@/board/state";
import { StateMark, stateWord } from "@/features/session/state";
import { IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { Menu, MenuItem, MenuLine } from "@/ui/Menu";
import { Nothing } from "@/ui/states";
import type { BoardActions } from "./actions";
import { runCommand, selectionOf } from "./commands";
import { commandGroups } from "./SelectionLayer";
import { nameOf } from "./Things";

const ICON: Record<Exclude<ItemKind, "session">, LucideIcon> = {
  zone: SquareDashed,
  note: StickyNote,
  text: Type,
  image: Image,
  document: FileText,
  edge: Spline,
};

function RowMenu({ actions, id, name }: { actions: BoardActions; id: string; name: string }) {
  const selection = selectionOf(actions, new Set([id]));
  if (!selection) return null;
  return (
    <Menu
      trigger={
        <IconButton label={`What can be done with ${name}`} tabIndex={-1} className="outline-menu size-6">
          <Ellipsis size={14} />
        </IconButton>
      }
    >
      {commandGroups(selection).map((group, index) => (
        <div key={group[0]?.id}>
          {index > 0 && <MenuLine />}
          {group.map(({ id: command, label, Icon, isDanger, run }) => (
            <MenuItem
              key={command}
              icon={<Icon size={15} />}
              isDanger={isDanger ?? false}
              onSelect={() => {
                actions.engine.select(new Set([id]));
                run(selection);
              }}
            >
              {label}
            </MenuItem>
          ))}
        </div>
      ))}
    </Menu>
  );
}

function Row({
  actions,
  node,
  isFolded,
  isSelected,
  isStop,
  onFold,
  onPick,
}: {
  actions: BoardActions;
  node: OutlineNode;
  isFolded: boolean;
  isSelected: boolean;
  isStop: boolean;
  onFold: () => void;
  onPick: () => void;
}) {
  const { engine } = actions;
  const item = engine.items.get(node.id);
  const object = engine.channel.store.get(node.id);
  if (!item || !object) return null;
  const link = engine.contents.links.get(node.id);
  const name = link ? `to ${nameOf(engine, link.to)}` : nameOf(engine, node.id);
  const state = item.kind === "session" ? cardOf(object).state : null;
  const Icon = item.kind === "session" ? null : ICON[item.kind];
  const Arrow = isFolded ? ChevronRight : ChevronDown;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the tree's
    <div
      role="treeitem"
      aria-level={node.level}
      aria-posinset={node.position}
      aria-setsize={node.siblings}
      aria-selected={isSelected}
      aria-expanded={node.hasChildren ? !isFolded : undefined}
      aria-label={`${item.kind === "edge" ? "arrow" : item.kind} ${name}${state ? `, ${stateWord(state)}` : ""}${item.isLocked ? ", locked" : ""}`}
      tabIndex={isStop ? 0 : -1}
      data-node={node.id}
      onClick={onPick}
      onDoubleClick={() => runCommand("open", selectionOf(actions, new Set([node.id])))}
      className={cx(
        "group flex h-8 cursor-default items-center gap-1.5 rounded-md pr-1 select-none hover:bg-fg/7",
        isSelected && "bg-fg/10",
      )}
      style={{ paddingLeft: 4 + (node.level - 1) * 16 }}
    >
      <span
        aria-hidden="true"
        className="flex size-5 shrink-0 items-center justify-center text-muted"
        onClick={(event) => {
          if (!node.hasChildren) return;
          event.stopPropagation();
          onFold();
        }}
      >
        {node.hasChildren && <Arrow size={14} />}
      </span>
      {Icon && <Icon size={14} aria-hidden="true" className="shrink-0 text-muted" />}
      <span className={cx("min-w-0 flex-1 truncate", item.kind === "zone" && "font-semibold")}>{name}</span>
      {state && <StateMark state={state} className="max-w-20" />}
      <RowMenu actions={actions} id={node.id} name={name} />
    </div>
  );
}

/** The tree. */
export function Outline({ actions, state }: { actions: BoardActions; state: BoardState }) {
  const { engine } = actions;
  const version = useTopicVersion(engine.channel.store);
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const [stop, setStop] = useState<string | null>(null);
  const tree = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version stands for what is on the board
  const nodes = useMemo(() => outlineOf(engine.contents, folded), [engine, folded, version]);
  const current = nodes.find(({ id }) => id === stop) ?? nodes.find(({ id }) => state.selected.has(id)) ?? nodes[0];

  const fold = (id: string, isFolded: boolean) => {
    const next = new Set(folded);
    if (isFolded) next.add(id);
    else next.delete(id);
    setFolded(next);
  };
  const go = (node: OutlineNode | undefined) => {
    if (!node) return;
    setStop(node.id);
    tree.current?.querySelector<HTMLElement>(`[data-node="${node.id}"]`)?.focus();
  };
  const pick = (id: string) => {
    setStop(id);
    engine.focus(id);
    engine.select(new Set([id]));
    engine.reveal(id);
  };
  const key = (event: React.KeyboardEvent) => {
    if (!current || event.ctrlKey || event.metaKey || event.altKey) return;
    const index = nodes.indexOf(current);
    const selection = selectionOf(actions, new Set([current.id]));
    if (event.key === "ArrowDown") go(nodes[index + 1]);
    else if (event.key === "ArrowUp") go(nodes[index - 1]);
    else if (event.key === "Home") go(nodes[0]);
    else if (event.key === "End") go(nodes[nodes.length - 1]);
    else if (event.key === "ArrowRight" && current.hasChildren) {
      if (folded.has(current.id)) fold(current.id, false);
      else go(nodes[index + 1]);
    } else if (event.key === "ArrowLeft") {
      if (current.hasChildren && !folded.has(current.id)) fold(current.id, true);
      else go(nodes.slice(0, index).findLast(({ level }) => level < current.level));
    } else if (event.key === " ") pick(current.id);
    else if (event.key === "Enter") {
      pick(current.id);
      runCommand("open", selection);
    } else if (event.key === "F2") {
      pick(current.id);
      runCommand("edit", selection);
    } else if (event.key === "Delete") {
      runCommand("delete", selection);
      go(nodes[index + 1] ?? nodes[index - 1]);
    } else if (event.key === "m") tree.current?.querySelector<HTMLElement>(`[data-node="${current.id}"] .outline-menu`)?.click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  if (nodes.length === 0) return <Nothing title="Nothing on this board yet" />;
  return (
    <div ref={tree} role="tree" aria-label="Things on this board" aria-multiselectable="true" onKeyDown={key} className="p-2">
      {nodes.map((node) => (
        <Row
          key={node.id}
          actions={actions}
          node={node}
          isFolded={folded.has(node.id)}
          isSelected={state.selected.has(node.id)}
          isStop={node === current}
          onFold={() => fold(node.id, !folded.has(node.id))}
          onPick={() => pick(node.id)}
        />
      ))}
    </div>
  );
}
