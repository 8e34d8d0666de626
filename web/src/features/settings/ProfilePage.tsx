// Oneself, as others see one: name and emoji.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client, useLogin } from "@/app/live";
import { Avatar } from "@/features/people/Avatar";
import { EmojiChoice } from "@/features/people/identity";
import { ROLE_WORDS } from "@/features/rights/model";
import { api } from "@/net/api";
import { problemFrom } from "@/net/rest";
import { Button } from "@/ui/Button";
import { Badge, Field, INPUT } from "@/ui/Form";
import { ProblemNote } from "@/ui/states";
import { toastDone } from "@/ui/toasts";
import type { PatchUser, User } from "@/wire";
import { PageHead, Panel } from "./parts";

const NAME_MAX = 200;

/** Changes oneself and lets everything that shows one know. */
export function usePatchMe(onDone?: () => void) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (patch: PatchUser) => api.users.patchMe(patch),
    onSuccess: async (_user, patch) => {
      await Promise.all([cache.invalidateQueries({ queryKey: ["login"] }), cache.invalidateQueries({ queryKey: ["users"] })]);
      // Pointers of others show what one was called when one came.
      if (patch.name !== undefined || patch.emoji !== undefined) client.reconnect();
      onDone?.();
    },
  });
}

function Identity({ me }: { me: User }) {
  const [name, setName] = useState(me.name);
  const [emoji, setEmoji] = useState(me.emoji);
  const save = usePatchMe(() => toastDone("Saved"));
  const problem = save.isError ? problemFrom(save.error) : null;
  const wrong = problem?.errors?.find(({ field }) => field === "name")?.message;
  const isChanged = name.trim() !== me.name || emoji !== me.emoji;
  return (
    <form
      aria-label="How others see you"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() && isChanged && !save.isPending) save.mutate({ name: name.trim(), emoji });
      }}
    >
      <Panel>
        <div className="flex items-center gap-4">
          <Avatar person={{ name: name || "?", emoji, slot: me.slot }} size={56} />
          <Field label="Name" error={wrong} className="flex-1">
            {(tied) => (
              <input
                {...tied}
                autoComplete="nickname"
                maxLength={NAME_MAX}
                value={name}
                onChange={(event) => setName(event.target.value)}
                className={INPUT}
              />
            )}
          </Field>
        </div>
        <EmojiChoice value={emoji} onChange={setEmoji} isLabelled />
        {problem && !wrong && <ProblemNote error={problem} />}
        <div className="flex items-center justify-between gap-3">
          <span className="flex items-center gap-2 text-xs text-muted">
            <Badge>{ROLE_WORDS[me.role].name}</Badge>
            {me.unix_account && (
              <span>
                Unix account <code className="font-mono text-fg">{me.unix_account.name}</code>
              </span>
            )}
          </span>
          <Button variant="primary" type="submit" disabled={!isChanged || !name.trim() || save.isPending}>
            Save
          </Button>
        </div>
      </Panel>
    </form>
  );
}

/** The page. */
export function ProfilePage() {
  const { data: login } = useLogin();
  if (!login) return null;
  const { user: me } = login;
  return (
    <>
      <PageHead title="Profile">What others see of you beside your pointer, your prompts and your comments.</PageHead>
      <Identity key={me.id} me={me} />
    </>
  );
}
