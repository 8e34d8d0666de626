// Groups: people who are given rights together.
import { useMutation, useQuery } from "@tanstack/react-query";
import { Pencil, Plus, Trash2, UsersRound, X } from "lucide-react";
import { useState } from "react";
import { useLogin } from "@/app/live";
import { Avatar } from "@/features/people/Avatar";
import { api } from "@/net/api";
import { people } from "@/net/people";
import { Button, IconButton } from "@/ui/Button";
import { Confirm } from "@/ui/Confirm";
import { Dialog } from "@/ui/Dialog";
import { Field, INPUT, Select } from "@/ui/Form";
import { plural } from "@/ui/format";
import { ProblemNote } from "@/ui/states";
import { Tip } from "@/ui/Tip";
import { toastProblem } from "@/ui/toasts";
import type { Group, User } from "@/wire";
import { PageHead, Panel, Read } from "./parts";
import { administers, useRefresh } from "./who";

const NAME_MAX = 200;

function NameDialog({ group, onClose }: { group: Group | null; onClose: () => void }) {
  const refresh = useRefresh("groups");
  const [name, setName] = useState(group?.name ?? "");
  const save = useMutation({
    mutationFn: () => (group ? people.groups.rename(group.id, name.trim()) : people.groups.create(name.trim())),
    onSuccess: async () => {
      await refresh();
      onClose();
    },
  });
  return (
    <Dialog isOpen onClose={onClose} title={group ? "Rename the group" : "New group"} className="w-100">
      <form
        className="flex flex-col gap-4 px-5 pt-1 pb-5"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() && !save.isPending) save.mutate();
        }}
      >
        <Field label="Name">
          {(tied) => (
            <input
              {...tied}
              maxLength={NAME_MAX}
              placeholder="Platform team"
              value={name}
              onChange={(event) => setName(event.target.value)}
              className={INPUT}
            />
          )}
        </Field>
        {save.isError && <ProblemNote error={save.error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" disabled={!name.trim() || save.isPending}>
            {group ? "Rename" : "Make it"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Member({ user, group, canChange }: { user: User; group: Group; canChange: boolean }) {
  const refresh = useRefresh("groups");
  const drop = useMutation({ mutationFn: () => people.groups.drop(group.id, user.id), onError: toastProblem, onSettled: refresh });
  return (
    <li className="flex h-8 items-center gap-2 rounded-full border bg-surface pr-1 pl-1 max-[719px]:h-10">
      <Avatar person={user} size={22} />
      <span className={canChange ? "" : "pr-2"}>{user.name}</span>
      {canChange && (
        <IconButton
          label={`Take ${user.name} out of ${group.name}`}
          disabled={drop.isPending}
          onClick={() => drop.mutate()}
          className="size-6 rounded-full! max-[719px]:size-8"
        >
          <X size={13} />
        </IconButton>
      )}
    </li>
  );
}

function GroupPanel({ group, users, canChange }: { group: Group; users: readonly User[]; canChange: boolean }) {
  const refresh = useRefresh("groups");
  const [asked, setAsked] = useState<"name" | "remove" | null>(null);
  const add = useMutation({ mutationFn: (user: string) => people.groups.add(group.id, user), onError: toastProblem, onSettled: refresh });
  const members = users.filter(({ id }) => group.members.includes(id));
  const others = users.filter(({ id, retired_at_ms: gone }) => gone === null && !group.members.includes(id));
  return (
    <section aria-label={`Group ${group.name}`} className="mb-4">
      <Panel>
        <div className="flex items-center gap-2">
          <UsersRound size={16} aria-hidden="true" className="shrink-0 text-muted" />
          <h2 className="min-w-0 flex-1 font-semibold break-words">{group.name}</h2>
          <span className="shrink-0 text-xs text-muted">{plural(members.length, "person", "people")}</span>
          {canChange && (
            <>
              <Tip text="Rename">
                <IconButton label={`Rename ${group.name}`} onClick={() => setAsked("name")}>
                  <Pencil size={14} />
                </IconButton>
              </Tip>
              <Tip text="Remove">
                <IconButton label={`Remove ${group.name}`} onClick={() => setAsked("remove")}>
                  <Trash2 size={14} />
                </IconButton>
              </Tip>
            </>
          )}
        </div>
        {members.length > 0 && (
          <ul aria-label={`People in ${group.name}`} className="flex flex-wrap gap-1.5">
            {members.map((user) => (
              <Member key={user.id} user={user} group={group} canChange={canChange} />
            ))}
          </ul>
        )}
        {canChange && others.length > 0 && (
          <Select
            aria-label={`Add somebody to ${group.name}`}
            value=""
            disabled={add.isPending}
            onChange={(event) => event.target.value && add.mutate(event.target.value)}
            className="w-56 max-w-full"
          >
            <option value="">Add somebody…</option>
            {others.map((user) => (
              <option key={user.id} value={user.id}>
                {user.name}
              </option>
            ))}
          </Select>
        )}
      </Panel>
      {asked === "name" && <NameDialog group={group} onClose={() => setAsked(null)} />}
      {asked === "remove" && (
        <Confirm
          onClose={() => setAsked(null)}
          question={{
            title: `Remove the group “${group.name}”?`,
            body: <p>The people stay. What boards gave to the group ends at once.</p>,
            act: "Remove",
            run: async () => {
              await people.groups.remove(group.id);
              await refresh();
            },
          }}
        />
      )}
    </section>
  );
}

/** The page. */
export function GroupsPage() {
  const { data: login } = useLogin();
  const users = useQuery({ queryKey: ["users"], queryFn: ({ signal }) => api.users.list(signal) });
  const groups = useQuery({ queryKey: ["groups"], queryFn: ({ signal }) => people.groups.list(signal) });
  const [isMaking, setMaking] = useState(false);
  const canChange = administers(login?.user);
  return (
    <>
      <PageHead
        title="Groups"
        action={
          canChange && (
            <Button variant="primary" onClick={() => setMaking(true)}>
              <Plus size={14} aria-hidden="true" />
              New group
            </Button>
          )
        }
      >
        Share a board with a group, and whoever joins the group later has the right too.
      </PageHead>
      <Read
        query={groups}
        empty={{
          title: "No groups yet",
          icon: <UsersRound size={20} />,
          text: canChange ? "Make one for a team that works on the same boards." : "Admins make them.",
        }}
      >
        {(list) => list.map((group) => <GroupPanel key={group.id} group={group} users={users.data ?? []} canChange={canChange} />)}
      </Read>
      {isMaking && <NameDialog group={null} onClose={() => setMaking(false)} />}
    </>
  );
}
