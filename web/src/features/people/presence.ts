// What this person shows of themselves and wants to see of others: away, invisible, others switched off.
import { useEffect } from "react";
import { create } from "zustand";
import { useLogin } from "@/app/live";
import { recall, remember } from "@/app/storage";
import type { Engine } from "@/board/engine";
import { isTyping } from "@/features/board/keys";
import type { Channel } from "@/net/client";

/** Who does nothing for this long is away. */
export const AWAY_MS = 5 * 60_000;

interface PresenceState {
  /** Pointers, selections and arrows of others are not shown. Kept per person. */
  areOthersOff: boolean;
  /** Others see neither pointer nor view, and do not find this person in their lists. Kept per person. */
  isHidden: boolean;
  /** The number of the spotlight that this window is in. */
  spot: number | null;
}

/** The choices. */
export const usePresence = create<PresenceState>(() => ({ areOthersOff: false, isHidden: false, spot: null }));

const key = (user: string, choice: string) => `people.${choice}.${user}`;

function choose(user: string | undefined, choice: "areOthersOff" | "isHidden", value: boolean): void {
  usePresence.setState({ [choice]: value });
  if (user) remember(key(user, choice), value ? "1" : null);
}

/** The person's choices, with the ways to change them. */
export function useChoices() {
  const { data: login } = useLogin();
  const user = login?.user.id;
  const { areOthersOff, isHidden, spot } = usePresence();
  return {
    areOthersOff,
    isHidden,
    spot,
    setOthersOff: (value: boolean) => choose(user, "areOthersOff", value),
    setHidden: (value: boolean) => {
      if (value) usePresence.setState({ spot: null });
      choose(user, "isHidden", value);
    },
    setSpotlight: (isOn: boolean) => usePresence.setState({ spot: isOn ? Date.now() : null }),
  };
}

/** Tells the others what this person wants them to know, and obeys what the person wants to see. */
export function useOwnPresence(channel: Channel | null, engine: Engine | null): void {
  const { data: login } = useLogin();
  const user = login?.user.id;
  const { areOthersOff, isHidden, spot } = usePresence();
  useEffect(() => {
    if (!user) return;
    const has = (choice: string) => recall(key(user, choice)) !== null;
    usePresence.setState({ areOthersOff: has("areOthersOff"), isHidden: has("isHidden") });
  }, [user]);
  useEffect(() => channel?.presence.hide(isHidden), [channel, isHidden]);
  useEffect(() => channel?.presence.set({ spot }), [channel, spot]);
  // Another board is another audience.
  // biome-ignore lint/correctness/useExhaustiveDependencies: leaving the board is what ends it
  useEffect(() => () => usePresence.setState({ spot: null }), [channel]);
  useEffect(() => engine?.showOthers(!areOthersOff), [engine, areOthersOff]);
  useEffect(() => (channel ? watchAway((isAway) => channel.presence.set({ seen: isAway ? "away" : null })) : undefined), [channel]);
  useEffect(() => {
    const toggle = (event: KeyboardEvent) => {
      if (event.code !== "Backslash" || !event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
      if (isTyping(event.target)) return;
      event.preventDefault();
      choose(user, "areOthersOff", !usePresence.getState().areOthersOff);
    };
    addEventListener("keydown", toggle);
    return () => removeEventListener("keydown", toggle);
  }, [user]);
}

/** Calls `tell` when nobody has touched anything for a while, and with the next touch; returns the way to stop. */
export function watchAway(tell: (isAway: boolean) => void): () => void {
  let isAway = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const change = (next: boolean) => {
    if (isAway !== next) tell(next);
    isAway = next;
  };
  const active = () => {
    clearTimeout(timer);
    timer = setTimeout(() => change(true), AWAY_MS);
    change(false);
  };
  const signs = ["pointermove", "pointerdown", "keydown", "wheel"] as const;
  for (const sign of signs) addEventListener(sign, active, { passive: true, capture: true });
  active();
  return () => {
    clearTimeout(timer);
    for (const sign of signs) removeEventListener(sign, active, { capture: true });
  };
}
