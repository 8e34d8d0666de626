// Sharing a board: who sees it, what everybody may do, what single people and groups may do, and why.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Globe, Lock, UsersRound, X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useLogin } from "@/app/live";
import { Avatar } from "@/features/people/Avatar";
import { RIGHT_WORDS, RIGHTS } from "@/features/rights/model";
import { useMay } from "@/features/rights/useMay";
import { api } from "@/net/api";
import { people } from "@/net/people";
import { IconButton } from "@/ui/Button";
import { Confirm, type Question } from "@/ui/Confirm";
import { Dialog } from "@/ui/Dialog";
import { Badge, Choices, Field, Select } from "@/ui/Form";
import { plural } from "@/ui/format";
import { ProblemNote } from "@/ui/states";
import { Tip } from "@/ui/Tip";
import { toastProblem } from "@/ui/toasts";
import type { Board, BoardGrant, BoardRight, Group, PatchBoard, SubjectKind, User } from "@/wire";
import { Explainer } from "./Explainer";

const VISIBILITIES = [
  { value: "members", label: "Everybody on this instance", hint: "Sees the board, with the right below", icon: <Globe size={15} /> },
  { value: "private", label: "Only those named here", hint: "For all others it does not exist", icon: <Lock size={15} /> },
] as const;

function RightSelect({
  label,
  value,
  isSmall = false,
  isDisabled,
  onChange,
}: {
  label: string;
  value: BoardRight;
  isSmall?: boolean;
  isDisabled: boolean;
  onChange: (right: BoardRight) => void;
}) {
  return (
    <Select
      aria-label={label}
      isSmall={isSmall}
      value={value}
      disabled={isDisabled}
      onChange={(event) => onChange(event.target.value as BoardRight)}
      className="w-34 shrink-0"
    >
      {RIGHTS.map((right) => (
        <option key={right} value={right}>
          {RIGHT_WORDS[right].name}
        </option>
      ))}
    </Select>
  );
}

function Line({ icon, name, line, children }: { icon: ReactNode; name: ReactNode; line?: string; children: ReactNode }) {
  return (
    <li className="flex min-h-11 items-center gap-2.5 py-1">
      {icon}
      <div className="min-w-0 flex-1">
        <div className="truncate font-medium">{name}</div>
        {line && <div className="truncate text-xs text-muted">{line}</div>}
      </div>
      {children}
    </li>
  );
}

const GroupSign = () => (
  <span className="inline-flex size-6 shrink-0 items-center justify-center rounded-full bg-fg/8 text-muted">
    <UsersRound size={14} aria-hidden="true" />
  </span>
);

/** Everything that the dialog reads, and the ways to change it. */
function useSharing(board: Board) {
  const cache = useQueryClient();
  const [isBusy, setBusy] = useState(false);
  const users = useQuery({ queryKey: ["users"], queryFn: ({ signal }) => api.users.list(signal) });
  const groups = useQuery({ queryKey: ["groups"], queryFn: ({ signal }) => people.groups.list(signal) });
  const grants = useQuery({ queryKey: ["grants", board.id], queryFn: ({ signal }) => people.grants.list(board.id, signal) });
  const act = async (change: () => Promise<unknown>) => {
    setBusy(true);
    try {
      await change();
    } catch (error) {
      toastProblem(error);
    }
    const keys = [["grants", board.id], ["rights", board.id], ["boards"]];
    await Promise.all(keys.map((queryKey) => cache.invalidateQueries({ queryKey })));
    setBusy(false);
  };
  const patch = (change: PatchBoard) => act(() => api.boards.patch(board.id, change));
  const put = (subject: string, right: BoardRight) => act(() => people.grants.put(board.id, subject, right));
  const remove = (grant: BoardGrant) => act(() => people.grants.remove(board.id, grant.subject_id));
  return { users, groups, grants, isBusy, patch, put, remove };
}

function AddSomebody({
  users,
  groups,
  isDisabled,
  onAdd,
}: {
  users: readonly User[];
  groups: readonly Group[];
  isDisabled: boolean;
  onAdd: (subject: string, right: BoardRight) => void;
}) {
  const [right, setRight] = useState<BoardRight>("prompt");
  return (
    <div className="flex gap-2">
      <Select
        aria-label="Add a person or a group"
        value=""
        disabled={isDisabled}
        onChange={(event) => {
          if (event.target.value) onAdd(event.target.value, right);
        }}
        className="flex-1"
      >
        <option value="">Add a person or a group…</option>
        {groups.length > 0 && (
          <optgroup label="Groups">
            {groups.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </optgroup>
        )}
        <optgroup label="People">
          {users.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </optgroup>
      </Select>
      <RightSelect label="Right of whom is added" value={right} isDisabled={isDisabled} onChange={setRight} />
    </div>
  );
}

/** The dialog. Those who cannot change anything see who may do what. */
export default function ShareDialog({ board, onClose }: { board: Board; onClose: () => void }) {
  const { data: login } = useLogin();
  const may = useMay(board.id);
  const sharing = useSharing(board);
  const [question, setQuestion] = useState<Question | null>(null);
  const { users, groups, grants } = sharing;
  const canShare = may.can("admin");
  const isFixed = !canShare || sharing.isBusy;
  const me = login?.user;
  const canHandOver = me !== undefined && (me.id === board.owner || me.role === "owner" || me.role === "admin");
  const active = (users.data ?? []).filter((user) => user.retired_at_ms === null);
  const owner = (users.data ?? []).find(({ id }) => id === board.owner);
  const given = grants.data ?? [];
  const hasGrant = (kind: SubjectKind, id: string) => given.some((it) => it.subject_kind === kind && it.subject_id === id);
  const userOf = (id: string) => active.find((user) => user.id === id);
  const handOver = (user: User) =>
    setQuestion({
      title: `Hand “${board.name}” over to ${user.name}?`,
      body: <p>{user.name} becomes its owner. What others may do stays as it is.</p>,
      act: "Hand it over",
      run: () => sharing.patch({ owner: user.id }),
    });
  return (
    <Dialog isOpen onClose={onClose} title={`Share “${board.name}”`} className="w-140">
      <div className="flex flex-col gap-5 overflow-y-auto px-5 pt-2 pb-5">
        {!canShare && <p className="rounded-lg bg-fg/5 px-3 py-2">{may.why("admin")}</p>}
        {canShare && (
          <AddSomebody
            users={active.filter(({ id }) => id !== board.owner && !hasGrant("user", id))}
            groups={(groups.data ?? []).filter(({ id }) => !hasGrant("group", id))}
            isDisabled={isFixed}
            onAdd={(subject, right) => void sharing.put(subject, right)}
          />
        )}
        <section aria-label="Who has access">
          {grants.isError && <ProblemNote error={grants.error} onRetry={() => void grants.refetch()} />}
          <ul aria-label="People and groups">
            <Line
              icon={<Avatar person={owner ?? { name: "?", emoji: "", slot: 11 }} />}
              name={owner?.name ?? "Former member"}
              line={owner?.id === me?.id ? "you" : ""}
            >
              <Badge>Owner</Badge>
            </Line>
            {given.map((grant) => {
              const group = grant.subject_kind === "group" ? groups.data?.find(({ id }) => id === grant.subject_id) : undefined;
              const user = userOf(grant.subject_id);
              return (
                <Line
                  key={`${grant.subject_kind} ${grant.subject_id}`}
                  icon={user ? <Avatar person={user} /> : <GroupSign />}
                  name={grant.subject_name}
                  line={group ? plural(group.members.length, "person", "people") : user?.id === me?.id ? "you" : ""}
                >
                  <RightSelect
                    label={`Right of ${grant.subject_name}`}
                    isSmall
                    value={grant.right}
                    isDisabled={isFixed}
                    onChange={(right) => void sharing.put(grant.subject_id, right)}
                  />
                  {canShare && (
                    <Tip text="Take the right away">
                      <IconButton
                        label={`Take the right of ${grant.subject_name} away`}
                        disabled={isFixed}
                        onClick={() => void sharing.remove(grant)}
                      >
                        <X size={15} />
                      </IconButton>
                    </Tip>
                  )}
                </Line>
              );
            })}
          </ul>
        </section>
        <section aria-label="Everybody else" className="flex flex-col gap-2">
          <h3 className="text-xs font-semibold text-muted">Who sees it besides</h3>
          <Choices
            legend="Who sees the board"
            value={board.visibility}
            options={VISIBILITIES}
            isDisabled={isFixed}
            onChange={(visibility) => void sharing.patch({ visibility })}
          />
          {board.visibility === "members" && (
            <Field label="What everybody may do" hint={RIGHT_WORDS[board.members_right].what}>
              {(tied) => (
                <Select
                  {...tied}
                  value={board.members_right}
                  disabled={isFixed}
                  onChange={(event) => void sharing.patch({ members_right: event.target.value as BoardRight })}
                >
                  {RIGHTS.map((right) => (
                    <option key={right} value={right}>
                      {RIGHT_WORDS[right].name}
                    </option>
                  ))}
                </Select>
              )}
            </Field>
          )}
        </section>
        <Explainer board={board.id} users={canShare ? active : []} />
        {canHandOver && (
          <Field label="Owner" hint="The owner may do everything here. Whoever hands it over can still manage it.">
            {(tied) => (
              <Select
                {...tied}
                value=""
                disabled={sharing.isBusy}
                onChange={(event) => {
                  const user = userOf(event.target.value);
                  if (user) handOver(user);
                }}
              >
                <option value="">Hand it over to…</option>
                {active
                  .filter(({ id, role }) => id !== board.owner && role !== "viewer")
                  .map(({ id, name }) => (
                    <option key={id} value={id}>
                      {name}
                    </option>
                  ))}
              </Select>
            )}
          </Field>
        )}
      </div>
      {question && <Confirm question={question} onClose={() => setQuestion(null)} />}
    </Dialog>
  );
}
