// The sheet of keyboard shortcuts.
import { Key } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { useUi } from "./ui-state";

const GROUPS: { title: string; rows: [string[], string][] }[] = [
  {
    title: "Board",
    rows: [
      [["←", "↑", "→", "↓"], "Nearest card"],
      [["Enter"], "Open the card, edit the note"],
      [["Alt", "arrows"], "Move the card (⇧: further)"],
      [["Del"], "Delete the note"],
      [["+", "−"], "Zoom"],
      [["⇧", "1"], "Show everything"],
      [["V", "H"], "Select, move the board"],
      [["Space"], "Hold: move the board"],
      [["Ctrl", "Z"], "Undo (⇧: redo)"],
      [["⇧", "\\"], "Hide others, show them"],
      [["Esc"], "Stop following"],
    ],
  },
  {
    title: "Make",
    rows: [
      [["S"], "New session"],
      [["N"], "New note"],
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
    <Dialog isOpen={isOpen} onClose={() => useUi.setState({ isShortcutsOpen: false })} title="Keyboard shortcuts" className="w-150">
      <div className="grid grid-cols-2 gap-x-8 gap-y-4 overflow-y-auto px-5 pt-2 pb-5 max-[719px]:grid-cols-1">
        {GROUPS.map((group) => (
          <section key={group.title} className={group.title === "Board" ? "row-span-2" : ""}>
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
