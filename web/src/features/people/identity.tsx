// Who this browser is: the card of the first visit and the form in the people menu.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { LogOut, Settings, X } from "lucide-react";
import { useState } from "react";
import { client, useInstance, useLogin } from "@/app/live";
import { navigate } from "@/app/router";
import { skipName, useUi } from "@/app/ui-state";
import { api } from "@/net/api";
import { Button, IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { ProblemNote } from "@/ui/states";
import { toastProblem } from "@/ui/toasts";

const EMOJI = ["🌱", "🌲", "🍄", "🦊", "🐝", "🦉", "🐙", "🚀", "🧭"] as const;
const NAME_MAX = 200;

/** Forgets what depends on who one is, and connects as the new person. */
async function become(cache: ReturnType<typeof useQueryClient>): Promise<void> {
  await Promise.all([cache.invalidateQueries({ queryKey: ["login"] }), cache.invalidateQueries({ queryKey: ["users"] })]);
  client.reconnect();
}

/** A few emoji to choose from; the one that was chosen elsewhere is among them. */
export function EmojiChoice({
  value,
  onChange,
  isLabelled = false,
}: {
  value: string;
  onChange: (emoji: string) => void;
  isLabelled?: boolean;
}) {
  const offered = value === "" || EMOJI.some((it) => it === value) ? EMOJI : [value, ...EMOJI];
  return (
    <fieldset className="flex flex-wrap gap-0.5">
      <legend className={isLabelled ? "mb-1 text-xs font-medium" : "sr-only"}>Emoji</legend>
      {offered.map((emoji) => (
        <button
          key={emoji}
          type="button"
          aria-label={`Emoji ${emoji}`}
          aria-pressed={value === emoji}
          onClick={() => onChange(value === emoji ? "" : emoji)}
          className={cx("size-7 rounded-md text-base hover:bg-fg/7", value === emoji && "bg-fg/10 ring-1 ring-strong")}
        >
          {emoji}
        </button>
      ))}
    </fieldset>
  );
}

const INPUT = "h-9 min-w-0 flex-1 rounded-md border border-strong bg-surface px-3 max-[719px]:h-10";

/** The small card of the first visit; it blocks nothing and can be skipped. */
export function JoinCard() {
  const { data: login } = useLogin();
  const isAsked = useUi((state) => state.isNameAsked);
  const cache = useQueryClient();
  const [name, setName] = useState("");
  const [emoji, setEmoji] = useState("");
  const join = useMutation({
    mutationFn: () => api.login.create(name.trim(), emoji),
    onSuccess: async () => {
      skipName();
      await become(cache);
    },
  });
  if (!login || login.is_named || !isAsked) return null;
  return (
    <form
      aria-label="Take a name"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim()) join.mutate();
      }}
      className="pop absolute bottom-3 left-3 z-10 flex w-80 max-w-[calc(100%-24px)] max-[719px]:static max-[719px]:m-3 max-[719px]:mb-0 max-[719px]:w-auto flex-col gap-2.5 rounded-xl border border-strong bg-raised p-3.5 shadow-(--float)"
    >
      <div className="flex items-start">
        <div className="min-w-0 flex-1">
          <div className="font-semibold">What should others call you?</div>
          <div className="text-xs text-muted">Your name stands beside your pointer and your prompts.</div>
        </div>
        <IconButton label="Not now" onClick={skipName} className="-mt-1.5 -mr-1.5">
          <X size={14} />
        </IconButton>
      </div>
      <div className="flex gap-2">
        <input
          aria-label="Your name"
          autoComplete="nickname"
          placeholder="Your name"
          maxLength={NAME_MAX}
          value={name}
          onChange={(event) => setName(event.target.value)}
          className={INPUT}
        />
        <Button variant="primary" type="submit" className="h-9" disabled={!name.trim() || join.isPending}>
          Join
        </Button>
      </div>
      <EmojiChoice value={emoji} onChange={setEmoji} />
      {join.isError && <ProblemNote error={join.error} />}
    </form>
  );
}

/** Name and emoji, changed in the people menu. */
export function MyselfForm({ onDone }: { onDone: () => void }) {
  const { data: login } = useLogin();
  const { data: instance } = useInstance();
  const cache = useQueryClient();
  const [name, setName] = useState(login?.user.name ?? "");
  const [emoji, setEmoji] = useState(login?.user.emoji ?? "");
  const isNamed = login?.is_named ?? false;
  const save = useMutation({
    mutationFn: async () => {
      if (isNamed) await api.users.patchMe({ name: name.trim(), emoji });
      else await api.login.create(name.trim(), emoji);
    },
    onSuccess: async () => {
      await become(cache);
      onDone();
    },
    onError: toastProblem,
  });
  const leave = useMutation({
    mutationFn: api.login.remove,
    onSuccess: async () => {
      await cache.resetQueries();
      client.reconnect();
    },
    onError: toastProblem,
  });
  const isChanged = name.trim() !== login?.user.name || emoji !== login?.user.emoji || !isNamed;
  return (
    <form
      className="flex flex-col gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() && isChanged) save.mutate();
      }}
    >
      <div className="text-xs font-semibold text-muted">You</div>
      <div className="flex gap-2">
        <input
          aria-label="Your name"
          maxLength={NAME_MAX}
          value={name}
          onChange={(event) => setName(event.target.value)}
          className={INPUT}
        />
        <Button type="submit" className="h-9" disabled={!name.trim() || !isChanged || save.isPending}>
          Save
        </Button>
      </div>
      <EmojiChoice value={emoji} onChange={setEmoji} />
      <div className="-mx-1 flex flex-wrap gap-1">
        <Button
          variant="ghost"
          onClick={() => {
            onDone();
            navigate("/settings");
          }}
        >
          <Settings size={14} aria-hidden="true" />
          Settings
        </Button>
        {instance?.auth === "token" && (
          <Button variant="ghost" disabled={leave.isPending} onClick={() => leave.mutate()}>
            <LogOut size={14} aria-hidden="true" />
            Sign out
          </Button>
        )}
      </div>
    </form>
  );
}
