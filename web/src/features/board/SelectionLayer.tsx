// What lies around the selected objects: handles to resize and to link, and the bar of what can be done.
import { Check, Ellipsis, Palette } from "lucide-react";
import { useEffect, useLayoutEffect, useRef } from "react";
import { useTopicVersion } from "@/app/live";
import { bounds, toWindow } from "@/board/geometry";
import { isResizable, markOf } from "@/board/items";
import { COLORS } from "@/board/palette";
import type { BoardState } from "@/board/state";
import { IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { Menu, MenuItem, MenuLine } from "@/ui/Menu";
import { Tip } from "@/ui/Tip";
import type { ObjectColor } from "@/wire";
import type { BoardActions } from "./actions";
import { COMMANDS, type Command, isOffered, type Selection, selectionOf } from "./commands";

const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"] as const;
const BAR_GAP_PX = 12;
const BAR_HEIGHT_PX = 40;
/** Commands that have a button of their own; the others are in the menu beside them. */
const BUTTONS: ReadonlySet<string> = new Set(["edit", "comment", "link", "reverse", "duplicate", "lock", "unlock", "tidy", "delete"]);
const WORDS: Record<ObjectColor, string> = {
  neutral: "grey",
  amber: "amber",
  green: "green",
  blue: "blue",
  violet: "violet",
  rose: "rose",
};

/** The colours of marks as a menu. */
function ColorMenu({ selection, color }: { selection: Selection; color: ObjectColor | null }) {
  return (
    <Menu
      align="start"
      trigger={
        <IconButton label="Colour" className="size-8">
          {color ? (
            <span
              className="size-4 rounded-full border-2"
              style={{ background: `var(--mark-${color})`, borderColor: `var(--mark-ink-${color})` }}
            />
          ) : (
            <Palette size={16} />
          )}
        </IconButton>
      }
    >
      {COLORS.map((one) => (
        <MenuItem
          key={one}
          icon={
            <span
              className="size-4 rounded-full border-2"
              style={{ background: `var(--mark-${one})`, borderColor: `var(--mark-ink-${one})` }}
            />
          }
          onSelect={() => selection.actions.setColor(selection.ids, one)}
        >
          <span className="flex items-center capitalize">
            <span className="flex-1">{WORDS[one]}</span>
            {one === color && <Check size={14} aria-label="chosen" />}
          </span>
        </MenuItem>
      ))}
    </Menu>
  );
}

/** The commands of a selection as entries of a menu, with lines between groups. */
export function commandGroups(selection: Selection): Command[][] {
  const groups: Command[][] = [];
  for (const command of COMMANDS) {
    if (!isOffered(command, selection)) continue;
    const last = groups[groups.length - 1];
    if (last?.[0]?.group === command.group) last.push(command);
    else groups.push([command]);
  }
  return groups;
}

function Bar({ selection }: { selection: Selection }) {
  const { store } = selection.actions.engine.channel;
  useTopicVersion(store);
  const offered = COMMANDS.filter((command) => isOffered(command, selection));
  const marks = selection.items.filter((item) => item.kind !== "session" && item.kind !== "image");
  const colors = new Set(marks.flatMap(({ id }) => store.get(id) ?? []).map((object) => markOf(object).color));
  const [color = null] = colors.size === 1 ? colors : [];
  const more = offered.filter((command) => !BUTTONS.has(command.id) && command.id !== "open");
  const canColour = marks.length > 0 && selection.actions.engine.state.canEdit;
  if (!canColour && offered.every(({ id }) => id === "open" || id === "copy")) return null;
  return (
    <div
      role="toolbar"
      aria-label="Selection"
      data-no-drag
      className="pointer-events-auto flex items-center gap-0.5 rounded-lg border border-strong bg-raised p-0.5 shadow-(--float)"
    >
      {selection.items.length > 1 && <span className="px-2 text-xs text-muted tabular-nums">{selection.items.length} selected</span>}
      {canColour && <ColorMenu selection={selection} color={color} />}
      {offered
        .filter((command) => BUTTONS.has(command.id))
        .map(({ id, label, Icon, keys, run }) => (
          <Tip key={id} text={label} {...(keys && { keys })} side="top">
            <IconButton label={label} onClick={() => run(selection)} className="size-8">
              <Icon size={16} />
            </IconButton>
          </Tip>
        ))}
      {more.length > 0 && (
        <Menu
          trigger={
            <IconButton label="More" className="size-8">
              <Ellipsis size={16} />
            </IconButton>
          }
        >
          {more.map(({ id, label, Icon, keys, group, run }, index) => (
            <div key={id}>
              {index > 0 && more[index - 1]?.group !== group && <MenuLine />}
              <MenuItem icon={<Icon size={15} />} onSelect={() => run(selection)}>
                <span className="flex items-center gap-4">
                  <span className="flex-1">{label}</span>
                  {keys && <span className="text-xs text-muted">{keys}</span>}
                </span>
              </MenuItem>
            </div>
          ))}
        </Menu>
      )}
    </div>
  );
}

/** Frame, handles and bar, placed by hand in each frame of the engine. */
export function SelectionLayer({ actions, state }: { actions: BoardActions; state: BoardState }) {
  const { engine } = actions;
  const frame = useRef<HTMLDivElement>(null);
  const bar = useRef<HTMLDivElement>(null);
  const selection = selectionOf(actions, state.selected);
  const only = selection?.items.length === 1 ? selection.items[0] : undefined;
  const { selected } = state;

  useLayoutEffect(() => {
    const paint = () => {
      const rects = [...selected].flatMap((id) => {
        const item = engine.items.get(id);
        return item ? [engine.shownRect(item)] : [];
      });
      const around = bounds(rects);
      if (!around || !frame.current || !bar.current) return;
      const [x, y] = toWindow(engine.view, around.x, around.y);
      const [w, h] = [around.w * engine.view.z, around.h * engine.view.z];
      frame.current.style.transform = `translate(${x}px, ${y}px)`;
      frame.current.style.width = `${w}px`;
      frame.current.style.height = `${h}px`;
      // Above the selection; below it where there is no room; never outside of the window.
      const label = only?.kind === "zone" ? 28 : 0;
      const above = y - BAR_GAP_PX - BAR_HEIGHT_PX - label;
      const top = above >= 8 ? above : Math.min(engine.height - BAR_HEIGHT_PX - 64, y + h + BAR_GAP_PX);
      const width = bar.current.offsetWidth;
      const left = Math.max(8, Math.min(engine.width - width - 8, x + w / 2 - width / 2));
      bar.current.style.transform = `translate(${Math.round(left)}px, ${Math.round(Math.max(8, top))}px)`;
      bar.current.style.visibility = engine.live.drag || engine.live.sizes.size > 0 ? "hidden" : "visible";
    };
    return engine.onFrame(paint);
  }, [engine, selected, only]);

  useEffect(() => {
    // The bar's width is known only after it has been made: place it once more.
    engine.schedule();
  });

  if (!selection || state.editing !== null) return null;
  return (
    <>
      <div ref={frame} className={cx("board-frame", selection.items.length > 1 && "is-many")}>
        {only &&
          state.canEdit &&
          isResizable(only) &&
          HANDLES.map((name) => <div key={name} data-handle={name} className="board-handle" />)}
        {only && state.canEdit && only.kind !== "edge" && (
          <div data-handle="link" title="Draw an arrow from here" className="board-linker" />
        )}
      </div>
      <div ref={bar} className="absolute top-0 left-0">
        <Bar selection={selection} />
      </div>
    </>
  );
}
