// Who is on the board: avatars in the top bar, and the menu behind them.
import { Eye } from "lucide-react";
import { useState } from "react";
import { useLogin, usePeersVersion } from "@/app/live";
import type { Engine } from "@/board/engine";
import { cardOf } from "@/board/items";
import type { Channel } from "@/net/client";
import type { Peer } from "@/net/presence";
import { Button } from "@/ui/Button";
import { Pop } from "@/ui/Menu";
import { Avatar } from "./Avatar";
import { MyselfForm } from "./identity";

const SHOWN = 5;

/** Everybody else, each person once however many windows they have. */
export function peopleOn(channel: Channel | null, me: string | null): Peer[] {
  const people = new Map<string, Peer>();
  for (const peer of channel?.peers.all() ?? []) {
    if (peer.identity.user === me || peer.identity.is_agent) continue;
    const known = people.get(peer.identity.user);
    if (!known || peer.movedAt > known.movedAt) people.set(peer.identity.user, peer);
  }
  return [...people.values()];
}

function whereabouts(channel: Channel, peer: Peer): string {
  const { panel } = peer.presence;
  const open = panel?.startsWith("session:") ? channel.store.get(panel.slice("session:".length)) : undefined;
  return open ? `in “${cardOf(open).title}”` : "on the board";
}

/** The avatars; they open the list of people with the form for one's own name. */
export function PeopleBar({ channel, engine }: { channel: Channel | null; engine: Engine | null }) {
  const { data: login } = useLogin();
  const [isOpen, setOpen] = useState(false);
  usePeersVersion(channel?.peers ?? null);
  const others = peopleOn(channel, login?.user.id ?? null);
  const me = login?.user;
  return (
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
            {others.slice(0, SHOWN).map((peer) => (
              <Avatar key={peer.id} person={peer.identity} className="ring-2 ring-surface" />
            ))}
            {others.length > SHOWN && (
              <span className="inline-flex size-6 items-center justify-center rounded-full bg-sunken text-2xs font-semibold ring-2 ring-surface">
                +{others.length - SHOWN}
              </span>
            )}
            {me && <Avatar person={me} className="ring-2 ring-surface" />}
          </span>
          {me && <span className="max-w-32 truncate font-medium max-[719px]:hidden">{me.name}</span>}
        </button>
      }
    >
      <div className="flex flex-col gap-3">
        <MyselfForm onDone={() => setOpen(false)} />
        <div className="-mx-3 h-px bg-line" />
        <div className="flex flex-col gap-1">
          <div className="text-xs font-semibold text-muted">On this board</div>
          {others.length === 0 && <p className="text-muted">Nobody else is here. Open this address in another browser to work together.</p>}
          {channel &&
            others.map((peer) => (
              <div key={peer.id} className="flex items-center gap-2 py-0.5">
                <Avatar person={peer.identity} />
                <div className="min-w-0 flex-1 leading-4">
                  <div className="truncate font-medium">{peer.identity.name}</div>
                  <div className="truncate text-xs text-muted">{whereabouts(channel, peer)}</div>
                </div>
                {engine && peer.presence.vp && (
                  <Button
                    variant="ghost"
                    className="h-7 px-2"
                    onClick={() => {
                      engine.follow(peer.id);
                      setOpen(false);
                    }}
                  >
                    <Eye size={14} aria-hidden="true" />
                    Follow
                  </Button>
                )}
              </div>
            ))}
        </div>
      </div>
    </Pop>
  );
}
