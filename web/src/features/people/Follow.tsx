// Seeing what somebody else sees: the frame around the board, and the spotlight that asks for it.
import { Eye, Radio, X } from "lucide-react";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { client, usePeersVersion } from "@/app/live";
import { openSession } from "@/app/router";
import { useUi } from "@/app/ui-state";
import type { Engine } from "@/board/engine";
import type { Channel } from "@/net/client";
import type { Peer } from "@/net/presence";
import { Button, IconButton } from "@/ui/Button";
import { toastDone } from "@/ui/toasts";
import { Avatar } from "./Avatar";
import { useChoices } from "./presence";

/** Somebody who is gone this long is not waited for. */
const WAIT_MS = 5_000;
/** How long a spotlight asks. */
const ASK_MS = 10_000;

const slotColor = (peer: Peer) => `var(--slot-${peer.identity.slot % 12})`;

/** The participant that is followed, or another window of the same person when that one went. */
function useFollowed(engine: Engine, channel: Channel): Peer | null {
  const { following } = useSyncExternalStore(engine.subscribe, () => engine.state);
  usePeersVersion(channel.peers);
  const last = useRef<Peer | null>(null);
  const peer = following === null ? undefined : channel.peers.get(following);
  if (peer) last.current = peer;
  const user = last.current?.identity.user;
  const other = peer ? undefined : [...channel.peers.all()].find((it) => it.identity.user === user && !it.identity.is_agent);
  const otherId = other?.id;
  useEffect(() => {
    if (following === null || peer) return;
    if (otherId) {
      engine.follow(otherId);
      return;
    }
    const timer = setTimeout(() => {
      engine.follow(null);
      if (last.current) toastDone(`${last.current.identity.name} has left the board.`);
    }, WAIT_MS);
    return () => clearTimeout(timer);
  }, [engine, following, peer, otherId]);
  useEffect(() => channel.presence.set({ follow: following }), [channel, following]);
  return peer ?? null;
}

/** Opens the panel and the tab that the followed person has open. */
function usePanelOf(peer: Peer | null): void {
  const id = peer?.id;
  const panel = peer?.presence.panel;
  const tab = peer?.presence.tab;
  useEffect(() => {
    if (id === undefined) return;
    openSession(panel?.startsWith("session:") ? panel.slice("session:".length) : null);
  }, [id, panel]);
  useEffect(() => {
    if (id !== undefined && tab) useUi.setState({ panelTab: tab });
  }, [id, tab]);
}

/** The frame in the colour of the followed person. */
export function FollowFrame({ engine, channel }: { engine: Engine; channel: Channel }) {
  const peer = useFollowed(engine, channel);
  usePanelOf(peer);
  const isFollowing = peer !== null;
  useEffect(() => {
    if (!isFollowing) return;
    const key = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      event.preventDefault();
      event.stopPropagation();
      engine.follow(null);
    };
    addEventListener("keydown", key, { capture: true });
    return () => removeEventListener("keydown", key, { capture: true });
  }, [engine, isFollowing]);
  if (!peer) return null;
  return (
    <>
      <div aria-hidden="true" className="pointer-events-none absolute inset-0 z-10 border-3" style={{ borderColor: slotColor(peer) }} />
      <div
        role="status"
        className="pop absolute top-3 left-1/2 z-10 flex h-9 -translate-x-1/2 items-center gap-2 rounded-full border border-strong bg-raised pr-1 pl-2 shadow-(--float)"
      >
        <Avatar person={peer.identity} size={22} />
        <span className="whitespace-nowrap">
          Following <strong>{peer.identity.name}</strong>
        </span>
        <Button variant="ghost" className="h-7 rounded-full px-2 text-muted" onClick={() => engine.follow(null)}>
          Stop (Esc)
        </Button>
      </div>
    </>
  );
}

function Ask({ peer, engine, onAnswer }: { peer: Peer; engine: Engine; onAnswer: (isYes: boolean) => void }) {
  const [left, setLeft] = useState(ASK_MS / 1_000);
  useEffect(() => {
    const timer = setInterval(() => setLeft((known) => known - 1), 1_000);
    return () => clearInterval(timer);
  }, []);
  const isOver = left <= 0;
  useEffect(() => {
    if (isOver) onAnswer(false);
  }, [isOver, onAnswer]);
  return (
    <div
      role="alertdialog"
      aria-label={`${peer.identity.name} asks everybody to follow`}
      className="pop absolute top-3 left-1/2 z-20 flex -translate-x-1/2 items-center gap-3 rounded-xl border border-strong bg-raised py-2 pr-2 pl-3 shadow-(--float)"
    >
      <Avatar person={peer.identity} size={28} />
      <div className="leading-4">
        <div className="font-semibold whitespace-nowrap">{peer.identity.name} asks everybody to follow</div>
        <div className="text-xs text-muted tabular-nums">Ignored in {Math.max(0, left)} s</div>
      </div>
      <Button
        variant="primary"
        onClick={() => {
          engine.follow(peer.id);
          onAnswer(true);
        }}
      >
        <Eye size={14} aria-hidden="true" />
        Follow
      </Button>
      <IconButton label="Ignore" onClick={() => onAnswer(false)}>
        <X size={15} />
      </IconButton>
    </div>
  );
}

/** Asks to follow whoever is in the spotlight, once each time; ends the following with the spotlight. */
function Asked({ engine, channel }: { engine: Engine; channel: Channel }) {
  usePeersVersion(channel.peers);
  const { following } = useSyncExternalStore(engine.subscribe, () => engine.state);
  const [answered, setAnswered] = useState<Record<string, number>>({});
  const [led, setLed] = useState<string | null>(null);
  const asking = [...channel.peers.all()].find(
    ({ id, identity, presence }) => presence.spot !== undefined && presence.spot !== answered[identity.user] && id !== following,
  );
  const isOver = led !== null && channel.peers.get(led)?.presence.spot === undefined;
  useEffect(() => {
    if (!isOver) return;
    if (engine.state.following === led) {
      engine.follow(null);
      toastDone("The spotlight is over.");
    }
    setLed(null);
  }, [engine, led, isOver]);
  const spot = asking?.presence.spot;
  if (!asking || spot === undefined) return null;
  return (
    <Ask
      key={`${asking.id} ${spot}`}
      peer={asking}
      engine={engine}
      onAnswer={(isYes) => {
        setAnswered((known) => ({ ...known, [asking.identity.user]: spot }));
        if (isYes) setLed(asking.id);
      }}
    />
  );
}

/** The spotlight: what the asked see, and what the one in it sees. */
export function Spotlight({ engine, channel }: { engine: Engine; channel: Channel }) {
  const { spot, setSpotlight } = useChoices();
  usePeersVersion(channel.peers);
  if (spot === null) return <Asked engine={engine} channel={channel} />;
  const count = [...channel.peers.all()].filter((peer) => peer.presence.follow === client.me).length;
  return (
    <div
      role="status"
      className="pop absolute top-3 left-1/2 z-10 flex h-9 -translate-x-1/2 items-center gap-2 rounded-full border border-strong bg-raised pr-1 pl-3 shadow-(--float)"
    >
      <Radio size={15} aria-hidden="true" className="text-need" />
      <span className="whitespace-nowrap">
        You are in the spotlight · {count} {count === 1 ? "follows" : "follow"}
      </span>
      <Button variant="ghost" className="h-7 rounded-full px-2 text-muted" onClick={() => setSpotlight(false)}>
        End
      </Button>
    </div>
  );
}
