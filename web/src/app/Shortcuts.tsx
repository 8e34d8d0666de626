// The sheet of keyboard shortcuts.
import { Key } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { useUi } from "./ui-state";

const GROUPS: { title: string; rows: [string[], string][] }[] = [
  {
    title: "Board",
    rows: [
      [["←", "↑", "→", "↓"], "Nearest thing"],
      [["Enter"], "Open it, or write on it"],
      [["⇧", "arrows"], "Select one more"],
      [["Alt", "arrows"], "Move the selection (⇧: further)"],
      [["Ctrl", "arrows"], "Resize the selection"],
      [["Ctrl", "A"], "Select everything"],
      [["Ctrl", "C", "V"], "Copy, paste, also between boards"],
      [["Ctrl", "D"], "Duplicate (or drag with Alt)"],
      [["Del"], "Delete"],
      [["Ctrl", "Z"], "Undo (⇧: redo)"],
      [["⇧", "L"], "Lock, unlock"],
      [["⇧", "[", "]"], "Send to back, bring to front"],
      [["Ctrl", "⇧", "L"], "Tidy up the selection"],
      [["⇧F10"], "Everything that can be done with it"],
    ],
  },
  {
    title: "Tools",
    rows: [
      [["V", "H"], "Select, move the board (or hold Space)"],
      [["S"], "New session"],
      [["N", "T", "Z"], "New note, text, zone (Enter: in the middle)"],
      [["X"], "Draw an arrow from what has the focus"],
      [["C"], "Comment"],
    ],
  },
  {
    title: "View",
    rows: [
      [["+", "−"], "Zoom"],
      [["⇧", "1", "2", "0"], "Show everything, the selection, natural size"],
      [["M"], "Map"],
      [["⇧", "\\"], "Hide others, show them"],
      [["Ctrl", "⇧", "O"], "Outline: the board as a list"],
      [[","], "Settings"],
    ],
  },
  {
    title: "Session",
    rows: [
      [["R"], "Write a prompt"],
      [["[", "]"], "Conversation, diff"],
      [["A", "D"], "Allow, deny (on the request)"],
      [["Esc", "Esc"], "Stop the agent"],
      [["Esc"], "Close the panel"],
    ],
  },
];

/** The sheet. */
export function Shortcuts() {
  const isOpen = useUi((state) => state.isShortcutsOpen);
  return (
    <Dialog isOpen={isOpen} onClose={() => useUi.setState({ isShortcutsOpen: false })} title="Keyboard shortcuts" className="w-180">
      <div className="grid grid-cols-2 gap-x-8 gap-y-4 overflow-y-auto px-5 pt-2 pb-5 max-[719px]:grid-cols-1">
        {GROUPS.map((group) => (
          <section key={group.title} className={group.title === "Board" ? "row-span-3" : ""}>
            <h3 className="mb-1 text-xs font-semibold text-muted">{group.title}</h3>
            {group.rows.map(([keys, what]) => (
              <div key={what} className="flex items-center gap-2 py-1">
                <span className="flex-1">{what}</span>
                {keys.map((key) => (
                  <Key key={key}>{key}</Key>
                ))}
              </div>
            ))}
          </section>
        ))}
      </div>
    </Dialog>
  );
}
