// The bar on top: mark, board, connection, people, theme.
import { CircleHelp, Monitor, Moon, Settings, Sun, UserPlus } from "lucide-react";
import type { Engine } from "@/board/engine";
import { BoardMenu } from "@/features/board/BoardMenu";
import { PeopleBar } from "@/features/people/PeopleBar";
import { useMay } from "@/features/rights/useMay";
import type { Channel } from "@/net/client";
import { Button, IconButton } from "@/ui/Button";
import { Tip } from "@/ui/Tip";
import { useConnection, useIsOffline } from "./live";
import { Mark } from "./Mark";
import { navigate } from "./router";
import { UndoButtons } from "./UndoButtons";
import { setTheme, share, type Theme, useUi } from "./ui-state";

const NEXT_THEME: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const THEME_WORD: Record<Theme, string> = { system: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" };

function ThemeButton() {
  const theme = useUi((state) => state.theme);
  const Icon = theme === "light" ? Sun : theme === "dark" ? Moon : Monitor;
  return (
    <Tip text={THEME_WORD[theme]}>
      <IconButton label={THEME_WORD[theme]} onClick={() => setTheme(NEXT_THEME[theme])}>
        <Icon size={16} />
      </IconButton>
    </Tip>
  );
}

/** A word about the connection while it is not in order. */
function ConnectionWord() {
  const { state } = useConnection();
  const isOffline = useIsOffline();
  if (state === "live" || !isOffline) return null;
  return (
    <span className="rounded-full bg-fail-fill px-2.5 py-0.5 text-xs font-semibold text-fail">
      {state === "outdated" ? "Outdated" : "Offline"}
    </span>
  );
}

/** The top bar. */
export function TopBar({ board, channel, engine }: { board: string | null; channel: Channel | null; engine: Engine | null }) {
  const may = useMay(board);
  return (
    <header className="flex h-11 shrink-0 items-center gap-1 border-b bg-surface px-2 max-[719px]:h-12">
      <a
        href="/"
        aria-label="Grove, start"
        className="flex h-8 items-center gap-1.5 rounded-md px-1.5 text-base font-bold tracking-tight"
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey) return;
          event.preventDefault();
          navigate("/");
        }}
      >
        <Mark />
        <span className="max-[719px]:hidden">Grove</span>
      </a>
      <span aria-hidden="true" className="text-strong">
        /
      </span>
      <BoardMenu id={board} />
      {channel && may.can("prompt") && <UndoButtons channel={channel} />}
      <div className="min-w-2 flex-1" />
      <ConnectionWord />
      <PeopleBar channel={channel} engine={engine} />
      {channel && (
        <Tip text="Who may do what here">
          <Button onClick={() => share(true)} className="mx-1 max-[719px]:w-10 max-[719px]:px-0">
            <UserPlus size={15} aria-hidden="true" />
            <span className="max-[719px]:sr-only">Share</span>
          </Button>
        </Tip>
      )}
      <span className="contents max-[719px]:hidden">
        <Tip text="Keyboard shortcuts" keys="?">
          <IconButton label="Keyboard shortcuts" onClick={() => useUi.setState({ isShortcutsOpen: true })} className="max-[719px]:hidden">
            <CircleHelp size={16} />
          </IconButton>
        </Tip>
      </span>
      <ThemeButton />
      <Tip text="Settings" keys=",">
        <a
          href="/settings"
          aria-label="Settings"
          className="inline-flex size-8 shrink-0 items-center justify-center rounded-md text-muted hover:bg-fg/7 hover:text-fg max-[719px]:hidden"
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey || event.shiftKey) return;
            event.preventDefault();
            navigate("/settings");
          }}
        >
          <Settings size={16} aria-hidden="true" />
        </a>
      </Tip>
    </header>
  );
}
