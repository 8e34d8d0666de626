// Who is on the board: avatars in the top bar, and the menu behind one's own.
import { Eye, EyeOff, MousePointer2, Radio } from "lucide-react";
import { type ReactNode, useState, useSyncExternalStore } from "react";
import { client, useLogin, usePeersVersion } from "@/app/live";
import type { Engine } from "@/board/engine";
import { cardOf } from "@/board/items";
import type { Channel } from "@/net/client";
import type { Peer } from "@/net/presence";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { Pop } from "@/ui/Menu";
import { Tip } from "@/ui/Tip";
import { Avatar } from "./Avatar";
import { MyselfForm } from "./identity";
import { useChoices } from "./presence";

const SHOWN = 5;

/** Everybody else who wants to be seen, each person once however many windows they have. */
export function peopleOn(channel: Channel | null, me: string | null): Peer[] {
  const people = new Map<string, Peer>();
  for (const peer of channel?.peers.all() ?? []) {
    if (peer.identity.user === me || peer.identity.is_agent || peer.presence.seen === "hidden") continue;
    const known = people.get(peer.identity.user);
    const isLivelier = known && (peer.presence.seen !== "away" || known.presence.seen === "away") && peer.movedAt > known.movedAt;
    if (!known || isLivelier) people.set(peer.identity.user, peer);
  }
  return [...people.values()];
}

function whereabouts(channel: Channel, peer: Peer): string {
  const { panel, seen, follow } = peer.presence;
  const open = panel?.startsWith("session:") ? channel.store.get(panel.slice("session:".length)) : undefined;
  const words = [open ? `in “${cardOf(open).title}”` : "on the board"];
  if (seen === "away") words.unshift("away");
  if (follow && follow === client.me) words.unshift("follows you");
  return words.join(" · ");
}

const nothing = () => () => undefined;

function useFollowing(engine: Engine | null): string | null {
  return useSyncExternalStore(engine?.subscribe ?? nothing, () => engine?.state.following ?? null);
}

/** One person's avatar: click to see what they see. */
function Face({ peer, engine, isFollowed }: { peer: Peer; engine: Engine | null; isFollowed: boolean }) {
  const isAway = peer.presence.seen === "away";
  const name = `${peer.identity.name}${isAway ? " (away)" : ""}`;
  const avatar = (
    <Avatar person={peer.identity} className={cx("ring-2", isFollowed ? "ring-focus" : "ring-surface", isAway && "opacity-45")} />
  );
  if (!engine) return avatar;
  return (
    <Tip text={isFollowed ? `Stop following ${name}` : `Follow ${name}`}>
      <button
        type="button"
        aria-label={`Follow ${peer.identity.name}`}
        aria-pressed={isFollowed}
        onClick={() => engine.follow(isFollowed ? null : peer.id)}
        className="rounded-full"
      >
        {avatar}
      </button>
    </Tip>
  );
}

function Choice({
  icon,
  isOn,
  onChange,
  children,
  keys,
}: {
  icon: ReactNode;
  isOn: boolean;
  onChange: (isOn: boolean) => void;
  children: ReactNode;
  keys?: string;
}) {
  return (
    <button
      type="button"
      role="switch"
      aria-checked={isOn}
      onClick={() => onChange(!isOn)}
      className="flex min-h-8 items-center gap-2 rounded-md px-1 text-left hover:bg-fg/7 max-[719px]:min-h-11"
    >
      <span className="text-muted">{icon}</span>
      <span className="min-w-0 flex-1">{children}</span>
      {keys && <span className="text-2xs text-muted">{keys}</span>}
      <span aria-hidden="true" className={cx("flex h-4 w-7 items-center rounded-full px-0.5", isOn ? "justify-end bg-run" : "bg-fg/25")}>
        <span className="size-3 rounded-full bg-surface" />
      </span>
    </button>
  );
}

/** What one shows of oneself and sees of others. */
function Choices({ isAlone, onDone }: { isAlone: boolean; onDone: () => void }) {
  const choices = useChoices();
  return (
    <div className="flex flex-col">
      <Choice icon={<MousePointer2 size={14} />} isOn={!choices.areOthersOff} onChange={(isOn) => choices.setOthersOff(!isOn)} keys="⇧ \">
        Show the pointers of others
      </Choice>
      <Choice icon={<EyeOff size={14} />} isOn={choices.isHidden} onChange={choices.setHidden}>
        Be invisible
      </Choice>
      <Button
        className="mt-2 self-start"
        disabled={isAlone || choices.isHidden}
        onClick={() => {
          choices.setSpotlight(choices.spot === null);
          onDone();
        }}
      >
        <Radio size={14} aria-hidden="true" />
        {choices.spot === null ? "Ask everybody to follow me" : "End the spotlight"}
      </Button>
    </div>
  );
}

function Row({
  peer,
  channel,
  engine,
  isFollowed,
  onDone,
}: {
  peer: Peer;
  channel: Channel;
  engine: Engine | null;
  isFollowed: boolean;
  onDone: () => void;
}) {
  return (
    <div className="flex items-center gap-2 py-0.5">
      <Avatar person={peer.identity} className={cx(peer.presence.seen === "away" && "opacity-45")} />
      <div className="min-w-0 flex-1 leading-4">
        <div className="truncate font-medium">{peer.identity.name}</div>
        <div className="truncate text-xs text-muted">{whereabouts(channel, peer)}</div>
      </div>
      {engine && (
        <Button
          variant="ghost"
          className="h-7 px-2"
          onClick={() => {
            engine.follow(isFollowed ? null : peer.id);
            onDone();
          }}
        >
          <Eye size={14} aria-hidden="true" />
          {isFollowed ? "Stop" : "Follow"}
        </Button>
      )}
    </div>
  );
}

/** The avatars; one's own opens the list of people with the form for one's own name. */
export function PeopleBar({ channel, engine }: { channel: Channel | null; engine: Engine | null }) {
  const { data: login } = useLogin();
  const [isOpen, setOpen] = useState(false);
  const { isHidden } = useChoices();
  usePeersVersion(channel?.peers ?? null);
  const following = useFollowing(engine);
  const me = login?.user;
  const others = peopleOn(channel, me?.id ?? null);
  const close = () => setOpen(false);
  const isFollowed = (peer: Peer) => following !== null && channel?.peers.get(following)?.identity.user === peer.identity.user;
  return (
    <div className="flex items-center gap-1">
      <span className="flex gap-1.5">
        {others.slice(0, SHOWN).map((peer) => (
          <Face key={peer.id} peer={peer} engine={engine} isFollowed={isFollowed(peer)} />
        ))}
      </span>
      <Pop
        label="People"
        align="end"
        isOpen={isOpen}
        onOpenChange={setOpen}
        trigger={
          <button type="button" className="flex h-8 items-center gap-2 rounded-md px-1.5 hover:bg-fg/7 max-[719px]:h-10">
            <span className="sr-only">
              People on this board: {others.map((peer) => `${peer.identity.name}, `)}
              you
            </span>
            <span className="flex -space-x-1.5">
              {others.length > SHOWN && (
                <span className="inline-flex size-6 items-center justify-center rounded-full bg-sunken text-2xs font-semibold ring-2 ring-surface">
                  +{others.length - SHOWN}
                </span>
              )}
              {me && <Avatar person={me} className={cx("ring-2 ring-surface", isHidden && "opacity-45")} />}
            </span>
            {me && <span className="max-w-32 truncate font-medium max-[719px]:hidden">{me.name}</span>}
            {isHidden && <EyeOff size={14} aria-label="invisible" className="text-muted" />}
          </button>
        }
      >
        <div className="flex flex-col gap-3">
          <MyselfForm onDone={close} />
          <div className="-mx-3 h-px bg-line" />
          {engine && <Choices isAlone={others.length === 0} onDone={close} />}
          {engine && <div className="-mx-3 h-px bg-line" />}
          <div className="flex flex-col gap-1">
            <div className="text-xs font-semibold text-muted">On this board</div>
            {others.length === 0 && (
              <p className="text-muted">Nobody else is here. Open this address in another browser to work together.</p>
            )}
            {channel &&
              others.map((peer) => (
                <Row key={peer.id} peer={peer} channel={channel} engine={engine} isFollowed={isFollowed(peer)} onDone={close} />
              ))}
          </div>
        </div>
      </Pop>
    </div>
  );
}
