// The panel of one session, beside the board or as a page of its own on narrow screens.
import { useMutation } from "@tanstack/react-query";
import { Eye } from "lucide-react";
import { Tabs } from "radix-ui";
import { useEffect, useMemo, useRef, useState } from "react";
import { useChannel, useRefusal } from "@/app/live";
import { openSession } from "@/app/router";
import { useUi } from "@/app/ui-state";
import { isTyping } from "@/features/board/keys";
import { SessionPlaceContext } from "@/features/comments/SessionComments";
import { Counts, DiffTab, useDiff } from "@/features/diff/DiffTab";
import { api } from "@/net/api";
import type { Channel } from "@/net/client";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { Nothing } from "@/ui/states";
import { toastProblem } from "@/ui/toasts";
import type { Session } from "@/wire";
import { Composer } from "./Composer";
import { Conversation } from "./Conversation";
import { Header } from "./Header";
import { useSessionModel } from "./model";
import { SessionRightsContext, useSessionRights } from "./rights";
import { ExecutorNote } from "./Sandbox";
import { isBusy } from "./state";

const TWICE_MS = 1_000;

/** Stopping, by button or by Escape twice inside the panel. */
function useStop(session: Session | null, isAllowed: boolean, panel: React.RefObject<HTMLElement | null>) {
  const [isArmed, setArmed] = useState(false);
  const stop = useMutation({ mutationFn: (id: string) => api.sessions.stop(id), onError: toastProblem });
  const id = session?.id;
  const canStop = isAllowed && session !== null && isBusy(session.state) && session.state !== "stopping";
  const { mutate } = stop;
  useEffect(() => {
    const element = panel.current;
    if (!element || !canStop || id === undefined) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const key = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      event.preventDefault();
      if (timer === undefined) {
        setArmed(true);
        timer = setTimeout(() => {
          timer = undefined;
          setArmed(false);
        }, TWICE_MS);
        return;
      }
      clearTimeout(timer);
      timer = undefined;
      setArmed(false);
      mutate(id);
    };
    element.addEventListener("keydown", key);
    return () => {
      clearTimeout(timer);
      setArmed(false);
      element.removeEventListener("keydown", key);
    };
  }, [panel, canStop, id, mutate]);
  return { run: () => id !== undefined && mutate(id), isArmed, isPending: stop.isPending };
}

const TABS = ["conversation", "diff"];

function showTab(panelTab: string): void {
  useUi.setState({ panelTab });
}

const TAB =
  "h-9 border-b-2 border-transparent px-1 font-medium text-muted hover:text-fg data-[state=active]:border-fg data-[state=active]:text-fg max-[719px]:h-11";

function Loaded({
  channel,
  board,
  id,
  panel,
}: {
  channel: Channel;
  board: Channel;
  id: string;
  panel: React.RefObject<HTMLElement | null>;
}) {
  const model = useSessionModel(channel);
  const { session } = model;
  const rights = useSessionRights(board, model);
  const stop = useStop(session, rights.canSteerTurn, panel);
  const shown = useUi((state) => state.panelTab);
  const tab = TABS.includes(shown) ? shown : "conversation";
  useEffect(() => {
    board.presence.set({ tab });
    return () => board.presence.set({ tab: null });
  }, [board, tab]);
  const ended = [...model.tasks.values()].filter((task) => task.ended_at_ms !== null).length;
  const diff = useDiff(id, ended, session !== null && session.state !== "starting");
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if ((event.key !== "[" && event.key !== "]") || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      showTab(event.key === "[" ? "conversation" : "diff");
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, []);
  if (!session) return null;
  const files = diff.data?.files ?? [];
  const sum = (key: "additions" | "deletions") => files.reduce((total, file) => total + file[key], 0);
  return (
    <>
      <Header session={session} board={board} stop={stop} rights={rights} />
      <ExecutorNote session={session} canRestart={rights.may.can("steer")} />
      <Tabs.Root value={tab} onValueChange={showTab} className="flex min-h-0 flex-1 flex-col">
        <Tabs.List aria-label="Parts of the session" className="flex shrink-0 gap-5 border-b bg-surface px-4">
          <Tabs.Trigger value="conversation" className={TAB}>
            Conversation
          </Tabs.Trigger>
          <Tabs.Trigger value="diff" className={cx(TAB, "inline-flex items-center gap-1.5")}>
            Diff
            {files.length > 0 && (
              <>
                <span className="rounded-full bg-fg/8 px-1.5 text-2xs">{files.length}</span>
                <Counts additions={sum("additions")} deletions={sum("deletions")} />
              </>
            )}
          </Tabs.Trigger>
        </Tabs.List>
        <Tabs.Content value="conversation" className="flex min-h-0 flex-1 flex-col" tabIndex={-1}>
          <SessionRightsContext.Provider value={rights}>
            <Conversation channel={channel} model={model} id={id} />
          </SessionRightsContext.Provider>
          {!rights.may.can("prompt") ? (
            <p className="flex shrink-0 items-center gap-2 border-t px-4 py-3 text-muted">
              <Eye size={15} aria-hidden="true" className="shrink-0" />
              {rights.may.why("prompt")}
            </p>
          ) : session.state === "archived" ? (
            <p className="shrink-0 border-t px-4 py-3 text-muted">This session is archived. Bring it back in its menu to go on.</p>
          ) : (
            <Composer id={id} board={board} state={session.state} />
          )}
        </Tabs.Content>
        <Tabs.Content value="diff" className="min-h-0 flex-1 overflow-y-auto">
          <DiffTab diff={diff} />
        </Tabs.Content>
      </Tabs.Root>
    </>
  );
}

/** The panel. */
export default function SessionPanel({ id, board }: { id: string; board: Channel }) {
  // Beside the diff nobody reads what is being written.
  const isReading = useUi((state) => state.panelTab !== "diff");
  const channel = useChannel(`session:${id}`, isReading);
  const refusal = useRefusal(channel);
  const panel = useRef<HTMLElement>(null);
  const [, setLoaded] = useState(false);
  const place = useMemo(() => (channel ? { id, board, session: channel } : null), [id, board, channel]);
  useEffect(() => {
    if (!channel || channel.store.isLoaded) return;
    return channel.store.subscribeAll(() => setLoaded(channel.store.isLoaded));
  }, [channel]);
  return (
    <section ref={panel} aria-label="Session" tabIndex={-1} className="flex h-full flex-col bg-board outline-none">
      {refusal ? (
        <Nothing title="This session cannot be opened">
          {refusal.msg}
          <br />
          <Button className="mt-3" onClick={() => openSession(null)}>
            Back to the board
          </Button>
        </Nothing>
      ) : channel?.store.isLoaded ? (
        <SessionPlaceContext.Provider value={place}>
          <Loaded channel={channel} board={board} id={id} panel={panel} />
        </SessionPlaceContext.Provider>
      ) : (
        <div aria-busy="true" className="flex flex-col gap-3 p-4">
          <div className="skeleton h-6 w-3/5" />
          <div className="skeleton h-4 w-2/5" />
          <div className="skeleton mt-4 h-20" />
          <div className="skeleton h-32" />
        </div>
      )}
    </section>
  );
}
