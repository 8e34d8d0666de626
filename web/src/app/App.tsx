// The shell: bars, board, panel, settings, and what lies above them.
import { Tooltip } from "radix-ui";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import type { Engine } from "@/board/engine";
import { BoardView } from "@/features/board/BoardView";
import { EmptyBoard } from "@/features/board/EmptyBoard";
import { isTyping } from "@/features/board/keys";
import { SessionList, useSessions } from "@/features/board/SessionList";
import { FollowFrame, Spotlight } from "@/features/people/Follow";
import { JoinCard } from "@/features/people/identity";
import { useOwnPresence } from "@/features/people/presence";
import { SignIn } from "@/features/people/SignIn";
import { useMay, useOwnBoards } from "@/features/rights/useMay";
import { needsYou } from "@/features/session/state";
import type { Channel } from "@/net/client";
import { ProblemError } from "@/net/rest";
import { Button } from "@/ui/Button";
import { Nothing, ProblemNote } from "@/ui/states";
import { Toasts } from "@/ui/toasts";
import { Banners } from "./Banners";
import { useBoardView } from "./board-view";
import { ErrorBoundary } from "./ErrorBoundary";
import { client, useBoards, useChannel, useConnection, useIsNarrow, useLogin, useRefusal, useTopicVersion } from "./live";
import { NarrowTabs } from "./NarrowTabs";
import { navigate, openSession, pathOf, useRoute } from "./router";
import { Shortcuts } from "./Shortcuts";
import { Splitter } from "./Splitter";
import { StatusBar } from "./StatusBar";
import { TopBar } from "./TopBar";
import { share, startCreating, useUi } from "./ui-state";

const SessionPanel = lazy(() => import("@/features/session/SessionPanel"));
const DocumentPanel = lazy(() => import("@/features/documents/DocumentPanel"));
const NewSession = lazy(() => import("@/features/create/NewSession"));
const SettingsPage = lazy(() => import("@/features/settings/SettingsPage"));
const ShareDialog = lazy(() => import("@/features/sharing/ShareDialog"));

/** Goes to a board when the address names none, or one that is not there. */
function useBoardRoute() {
  const route = useRoute();
  const boards = useBoards();
  const known = boards.data;
  const first = known?.[0];
  useEffect(() => {
    if (route.board === null && route.settings === null && first) navigate(pathOf(first.id), true);
  }, [route.board, route.settings, first]);
  const isMissing = route.board !== null && known !== undefined && !known.some((board) => board.id === route.board);
  return { route, boards, isMissing };
}

/** Keys that work everywhere outside of text fields. */
function useGlobalKeys(session: string | null, canPrompt: boolean): void {
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if ((event.key === "s" || event.key === "S") && canPrompt) startCreating();
      else if (event.key === "?") useUi.setState({ isShortcutsOpen: true });
      else if (event.key === ",") navigate("/settings");
      else if (event.key === "Escape" && session !== null) openSession(null);
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, [session, canPrompt]);
}

/** Title of the page and spoken notice: what needs somebody. */
function Attention({ channel, name }: { channel: Channel | null; name: string | undefined }) {
  const sessions = useSessions(channel);
  const needy = sessions.filter(({ card }) => needsYou(card.state));
  const told = useRef(new Set<string>());
  const [words, setWords] = useState("");
  const ids = needy.map(({ id }) => id).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: only who is needed matters, not every change of a card
  useEffect(() => {
    document.title = `${needy.length > 0 ? `(${needy.length}) ` : ""}${name ? `${name} · ` : ""}Grove`;
    const fresh = needy.filter(({ id }) => !told.current.has(id));
    told.current = new Set(needy.map(({ id }) => id));
    if (fresh.length > 0) setWords(fresh.map(({ card }) => `Session ${card.title} needs you: ${card.line}`).join(". "));
  }, [ids, name]);
  return (
    <div aria-live="polite" className="sr-only">
      {words}
    </div>
  );
}

function BoardArea({
  channel,
  board,
  opened,
  engine,
  onEngine,
}: {
  channel: Channel;
  board: string;
  opened: string | null;
  engine: Engine | null;
  onEngine: (engine: Engine | null) => void;
}) {
  const refusal = useRefusal(channel);
  const isNarrow = useIsNarrow();
  const tab = useUi((state) => state.tab);
  useTopicVersion(channel.store);
  const { state } = useConnection();
  if (refusal) {
    return (
      <div className="mx-auto w-120 max-w-full p-6">
        <ProblemNote
          error={
            new ProblemError({
              type: "about:blank",
              title: "This board cannot be opened",
              status: 0,
              code: "forbidden",
              detail: refusal.msg,
            })
          }
        />
      </div>
    );
  }
  const isEmpty = channel.store.isLoaded && ![...channel.store.entries()].length;
  if (isNarrow) {
    return (
      <div className="relative min-h-0 flex-1 overflow-y-auto">
        <SessionList channel={channel} look={tab === "board" ? "tiles" : "rows"} />
        {isEmpty && <EmptyBoard board={board} />}
      </div>
    );
  }
  return (
    <>
      <BoardView channel={channel} board={board} openId={opened} onEngine={onEngine} />
      {engine && <FollowFrame engine={engine} channel={channel} />}
      {engine && <Spotlight engine={engine} channel={channel} />}
      {isEmpty && <EmptyBoard board={board} />}
      {!channel.store.isLoaded && state === "live" && <BoardSkeleton />}
    </>
  );
}

function BoardSkeleton() {
  return (
    <div aria-hidden="true" className="pointer-events-none absolute inset-0 flex items-center justify-center gap-8">
      {[0, 1, 2].map((index) => (
        <div key={index} className="skeleton h-38 w-75" />
      ))}
    </div>
  );
}

function Missing({ children }: { children: string }) {
  return (
    <Nothing title={children}>
      <Button className="mt-3" onClick={() => navigate("/")}>
        Go to the first board
      </Button>
    </Nothing>
  );
}

/** The whole page, or the way in where nobody is anonymous. */
export function App() {
  const { error } = useLogin();
  const isStranger = error instanceof ProblemError && error.code === "unauthenticated";
  return isStranger ? <SignIn /> : <Page />;
}

function Page() {
  const { route, boards, isMissing } = useBoardRoute();
  const channel = useChannel(route.board === null || isMissing ? null : `board:${route.board}`);
  const [engine, setEngine] = useState<Engine | null>(null);
  const isNarrow = useIsNarrow();
  const isCreating = useUi((state) => state.creating.isOpen);
  const isSharing = useUi((state) => state.isSharing);
  const board = boards.data?.find(({ id }) => id === route.board);
  const name = board?.name;
  const opened = route.session ?? route.document;
  const canPrompt = useMay(route.board).can("prompt") && route.board !== null;
  useGlobalKeys(opened, canPrompt);
  useOwnPresence(channel, engine);
  useOwnBoards();
  useBoardView(route, engine);

  useEffect(() => {
    // A board that one was shut out of, and that is in the list again.
    if (board && channel?.refusal) client.askAgain(channel.ch);
  }, [board, channel]);
  useEffect(() => {
    channel?.presence.set({ panel: route.session ? `session:${route.session}` : null });
  }, [channel, route.session]);
  useEffect(() => {
    // The panel has just taken room from the board: keep the card of the open session in view.
    if (engine && opened) requestAnimationFrame(() => engine.reveal(opened));
  }, [engine, opened]);

  const panel = opened !== null && channel && (
    <ErrorBoundary name={route.session ? "The session" : "The document"} key={opened}>
      <Suspense fallback={<div className="skeleton m-4 h-24" />}>
        {route.session ? <SessionPanel id={route.session} board={channel} /> : <DocumentPanel id={opened} board={channel} />}
      </Suspense>
    </ErrorBoundary>
  );
  return (
    <Tooltip.Provider delayDuration={500}>
      <div className="flex h-dvh flex-col">
        {!(isNarrow && panel) && <TopBar board={route.board} channel={channel} engine={engine} />}
        <Banners />
        <div className="flex min-h-0 flex-1">
          {route.settings !== null && (
            <ErrorBoundary name="The settings">
              <Suspense fallback={<div className="skeleton m-8 h-24 flex-1" />}>
                <SettingsPage page={route.settings} />
              </Suspense>
            </ErrorBoundary>
          )}
          {route.settings === null && !(isNarrow && panel) && (
            <main className="relative min-w-0 flex-1 max-[719px]:flex max-[719px]:flex-col">
              {isNarrow && <JoinCard />}
              {boards.isError && (
                <div className="mx-auto w-120 max-w-full p-6">
                  <ProblemNote error={boards.error} onRetry={() => void boards.refetch()} />
                </div>
              )}
              {boards.data?.length === 0 && (
                <Nothing title="There is no board yet">Make one in the menu at the top left, or wait until one is shared with you.</Nothing>
              )}
              {isMissing && <Missing>This board is not there, or not shared with you</Missing>}
              {channel && route.board && (
                <ErrorBoundary name="The board">
                  <BoardArea channel={channel} board={route.board} opened={opened} engine={engine} onEngine={setEngine} />
                </ErrorBoundary>
              )}
              {!isNarrow && <JoinCard />}
            </main>
          )}
          {panel && !isNarrow && <Splitter />}
          {panel &&
            (isNarrow ? (
              <div className="min-w-0 flex-1">{panel}</div>
            ) : (
              <PanelFrame name={route.session ? "Session" : "Document"}>{panel}</PanelFrame>
            ))}
        </div>
        {isNarrow ? (
          !panel && route.settings === null && <NarrowTabs channel={channel} canPrompt={canPrompt} />
        ) : (
          <StatusBar channel={channel} />
        )}
      </div>
      <Attention channel={channel} name={name} />
      <Suspense fallback={null}>{isCreating && canPrompt && route.board && <NewSession board={route.board} engine={engine} />}</Suspense>
      <Suspense fallback={null}>{isSharing && board && <ShareDialog board={board} onClose={() => share(false)} />}</Suspense>
      <Shortcuts />
      <Toasts />
    </Tooltip.Provider>
  );
}

function PanelFrame({ name, children }: { name: string; children: React.ReactNode }) {
  const width = useUi((state) => state.panelWidth);
  return (
    <aside aria-label={name} style={{ width }} className="max-w-[calc(100vw-280px)] min-w-0 shrink-0">
      {children}
    </aside>
  );
}
