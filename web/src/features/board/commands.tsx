// What can be done with selected objects: one list for the bar above the selection, the context menu and the keys.
import {
  AlignCenterHorizontal,
  AlignCenterVertical,
  AlignEndHorizontal,
  AlignEndVertical,
  AlignHorizontalSpaceBetween,
  AlignStartHorizontal,
  AlignStartVertical,
  AlignVerticalSpaceBetween,
  ArrowLeftRight,
  BringToFront,
  Copy,
  CopyPlus,
  LayoutGrid,
  Lock,
  LockOpen,
  type LucideIcon,
  MessageSquarePlus,
  Pencil,
  SendToBack,
  Spline,
  SquareArrowOutUpRight,
  Trash2,
} from "lucide-react";
import type { Item } from "@/board/items";
import type { BoardActions } from "./actions";

/** What is selected, and who can change it. */
export interface Selection {
  ids: ReadonlySet<string>;
  items: Item[];
  actions: BoardActions;
}

/** Something that can be done with a selection. */
export interface Command {
  id: string;
  label: string;
  Icon: LucideIcon;
  /** As it is shown. */
  keys?: string;
  group: "edit" | "arrange" | "pile" | "end";
  isDanger?: boolean;
  /** What one needs for it; without it, the right to change the board. */
  needs?: "nothing" | "comment";
  /** Whether it makes sense for this selection. */
  isOffered: (selection: Selection) => boolean;
  run: (selection: Selection) => void;
}

const isMark = (item: Item) => item.kind !== "session";
const isPlaced = (item: Item) => item.kind !== "edge";
const isOne = ({ items }: Selection) => items.length === 1;
const isFree = (item: Item) => isPlaced(item) && !item.isLocked;
const many =
  (least: number) =>
  ({ items }: Selection) =>
    items.filter(isFree).length >= least;

function alignment(id: string, label: string, Icon: LucideIcon, how: Parameters<BoardActions["align"]>[1]): Command {
  return { id, label, Icon, group: "arrange", isOffered: many(2), run: ({ ids, actions }) => actions.align(ids, how) };
}

const WRITABLE = new Set(["note", "text", "zone", "edge", "document"]);

/** All commands, in the order of the menu. */
export const COMMANDS: readonly Command[] = [
  {
    id: "open",
    label: "Open",
    Icon: SquareArrowOutUpRight,
    keys: "Enter",
    group: "edit",
    needs: "nothing",
    isOffered: (it) => isOne(it) && (it.items[0]?.kind === "session" || it.items[0]?.kind === "document"),
    run: ({ items, actions }) => items[0] && actions.engine.hooks.onOpen(items[0].id),
  },
  {
    id: "edit",
    label: "Write",
    Icon: Pencil,
    keys: "Enter",
    group: "edit",
    isOffered: (it) => isOne(it) && WRITABLE.has(it.items[0]?.kind ?? "") && it.items[0]?.kind !== "document",
    run: ({ items, actions }) => items[0] && actions.engine.edit(items[0].id),
  },
  {
    id: "comment",
    label: "Comment",
    Icon: MessageSquarePlus,
    keys: "C",
    group: "edit",
    needs: "comment",
    isOffered: (it) => isOne(it) && it.items.every(isPlaced),
    run: ({ items, actions }) => items[0] && actions.engine.hooks.onPin([items[0].rect.x, items[0].rect.y], items[0].id),
  },
  {
    id: "link",
    label: "Draw an arrow from here",
    Icon: Spline,
    keys: "X",
    group: "edit",
    isOffered: (it) => isOne(it) && it.items.every(isPlaced),
    run: ({ items, actions }) => {
      if (!items[0]) return;
      actions.engine.setTool("edge");
      actions.engine.linkFrom(items[0].id);
    },
  },
  {
    id: "reverse",
    label: "Turn the arrow around",
    Icon: ArrowLeftRight,
    group: "edit",
    isOffered: (it) => isOne(it) && it.items[0]?.kind === "edge",
    run: ({ items, actions }) => items[0] && actions.reverse(items[0].id),
  },
  {
    id: "duplicate",
    label: "Duplicate",
    Icon: CopyPlus,
    keys: "Ctrl D",
    group: "edit",
    isOffered: ({ items }) => items.some((item) => isMark(item) && isPlaced(item)),
    run: ({ ids, actions }) => actions.duplicate(ids),
  },
  {
    id: "copy",
    label: "Copy",
    Icon: Copy,
    keys: "Ctrl C",
    group: "edit",
    needs: "nothing",
    isOffered: ({ items }) => items.some((item) => isMark(item) && isPlaced(item)),
    // After the menu has closed: as long as the focus is in it, copying is the menu's affair.
    run: () => requestAnimationFrame(() => requestAnimationFrame(() => document.execCommand("copy"))),
  },
  alignment("align-left", "Align left", AlignStartVertical, "left"),
  alignment("align-centre", "Align centres", AlignCenterVertical, "centre"),
  alignment("align-right", "Align right", AlignEndVertical, "right"),
  alignment("align-top", "Align tops", AlignStartHorizontal, "top"),
  alignment("align-middle", "Align middles", AlignCenterHorizontal, "middle"),
  alignment("align-bottom", "Align bottoms", AlignEndHorizontal, "bottom"),
  {
    id: "distribute-x",
    label: "Equal gaps across",
    Icon: AlignHorizontalSpaceBetween,
    group: "arrange",
    isOffered: many(3),
    run: ({ ids, actions }) => actions.distribute(ids, "x"),
  },
  {
    id: "distribute-y",
    label: "Equal gaps down",
    Icon: AlignVerticalSpaceBetween,
    group: "arrange",
    isOffered: many(3),
    run: ({ ids, actions }) => actions.distribute(ids, "y"),
  },
  {
    id: "tidy",
    label: "Tidy up",
    Icon: LayoutGrid,
    keys: "Ctrl ⇧ L",
    group: "arrange",
    isOffered: many(2),
    run: ({ ids, actions }) => actions.tidy(ids),
  },
  {
    id: "front",
    label: "Bring to front",
    Icon: BringToFront,
    keys: "⇧ ]",
    group: "pile",
    isOffered: ({ items }) => items.some(isPlaced),
    run: ({ ids, actions }) => actions.restack(ids, "front"),
  },
  {
    id: "back",
    label: "Send to back",
    Icon: SendToBack,
    keys: "⇧ [",
    group: "pile",
    isOffered: ({ items }) => items.some(isPlaced),
    run: ({ ids, actions }) => actions.restack(ids, "back"),
  },
  {
    id: "lock",
    label: "Lock",
    Icon: Lock,
    keys: "⇧ L",
    group: "pile",
    isOffered: ({ items }) => items.some(isFree),
    run: ({ ids, actions }) => actions.setLocked(ids, true),
  },
  {
    id: "unlock",
    label: "Unlock",
    Icon: LockOpen,
    keys: "⇧ L",
    group: "pile",
    isOffered: ({ items }) => items.some((item) => item.isLocked) && !items.some(isFree),
    run: ({ ids, actions }) => actions.setLocked(ids, false),
  },
  {
    id: "delete",
    label: "Delete",
    Icon: Trash2,
    keys: "Del",
    group: "end",
    isDanger: true,
    isOffered: ({ items }) => items.some((item) => isMark(item) && !item.isLocked),
    run: ({ ids, actions }) => actions.remove(ids),
  },
];

/** The selection as commands see it; `null` when nothing is selected. */
export function selectionOf(actions: BoardActions, ids: ReadonlySet<string>): Selection | null {
  const items = [...ids].flatMap((id) => actions.engine.items.get(id) ?? []);
  return items.length > 0 ? { ids, items, actions } : null;
}

/** Whether a command makes sense for a selection, and one may do it here. */
export function isOffered(command: Command, selection: Selection): boolean {
  const { canEdit, canComment } = selection.actions.engine.state;
  const isAllowed = command.needs === "nothing" || (command.needs === "comment" ? canComment : canEdit);
  return isAllowed && command.isOffered(selection);
}

/** Runs a command by its name, if the selection allows it. Returns whether it did. */
export function runCommand(id: string, selection: Selection | null): boolean {
  const command = COMMANDS.find((it) => it.id === id);
  if (!command || !selection || !isOffered(command, selection)) return false;
  command.run(selection);
  return true;
}
