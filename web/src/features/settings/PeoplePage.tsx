// Everybody on the instance: who they are and what they may do; roles and retiring for those who run it.
import { useQuery } from "@tanstack/react-query";
import { Ellipsis, Search, ShieldCheck, UserMinus } from "lucide-react";
import { useState } from "react";
import { useLogin } from "@/app/live";
import { Avatar } from "@/features/people/Avatar";
import { ROLE_WORDS } from "@/features/rights/model";
import { api } from "@/net/api";
import { people } from "@/net/people";
import { IconButton } from "@/ui/Button";
import { Confirm, type Question } from "@/ui/Confirm";
import { Badge, INPUT, Select } from "@/ui/Form";
import { date, plural } from "@/ui/format";
import { Menu, MenuItem } from "@/ui/Menu";
import { toastDone, toastProblem } from "@/ui/toasts";
import type { User, UserRole } from "@/wire";
import { Group, PageHead, Read, Row, Rows } from "./parts";
import { administers, useRefresh } from "./who";

const GIVEN_ROLES: readonly UserRole[] = ["admin", "member", "viewer"];
/** From so many people on a list is searched, not looked through. */
const MANY = 8;

/** What one sees of somebody below the name. */
function lineOf(user: User): string {
  const account = user.unix_account ? [`account ${user.unix_account.name}`] : [];
  return [...account, user.retired_at_ms ? `retired ${date(user.retired_at_ms)}` : `here since ${date(user.created_at_ms)}`].join(" · ");
}

function RoleSelect({ user }: { user: User }) {
  const refresh = useRefresh("users");
  const change = async (role: UserRole) => {
    try {
      await people.users.setRole(user.id, role);
      toastDone(`${user.name} is ${ROLE_WORDS[role].name.toLowerCase()} now`);
    } catch (error) {
      toastProblem(error);
    }
    await refresh();
  };
  return (
    <Select
      aria-label={`Role of ${user.name}`}
      isSmall
      value={user.role}
      onChange={(event) => void change(event.target.value as UserRole)}
      className="w-28"
    >
      {GIVEN_ROLES.map((role) => (
        <option key={role} value={role}>
          {ROLE_WORDS[role].name}
        </option>
      ))}
    </Select>
  );
}

/** What can be asked about a person before it is done. */
function questions(user: User, refresh: () => Promise<unknown>) {
  const retire: Question = {
    title: `Retire ${user.name}?`,
    body: (
      <>
        <p>{user.name} is signed out everywhere, tokens end, and running work of theirs is stopped.</p>
        <p className="text-muted">Name and history stay. A person who is retired does not come back; invite them anew instead.</p>
      </>
    ),
    act: "Retire",
    run: async () => {
      await people.users.retire(user.id);
      await refresh();
    },
  };
  const handOver: Question = {
    title: `Hand the instance over to ${user.name}?`,
    body: <p>{user.name} becomes the owner, and you become an admin. Only the new owner can hand it back.</p>,
    act: "Hand it over",
    typed: user.name,
    run: async () => {
      await people.users.makeOwner(user.id);
      await refresh();
    },
  };
  return { retire, handOver };
}

function PersonMenu({ user, me, onAsk }: { user: User; me: User; onAsk: (question: Question) => void }) {
  const refresh = useRefresh("users", "login");
  const { retire, handOver } = questions(user, refresh);
  return (
    <Menu
      trigger={
        <IconButton label={`More about ${user.name}`}>
          <Ellipsis size={16} />
        </IconButton>
      }
    >
      {me.role === "owner" && (
        <MenuItem icon={<ShieldCheck size={14} />} onSelect={() => onAsk(handOver)}>
          Hand the instance over…
        </MenuItem>
      )}
      <MenuItem icon={<UserMinus size={14} />} isDanger onSelect={() => onAsk(retire)}>
        Retire…
      </MenuItem>
    </Menu>
  );
}

function Person({ user, me, onAsk }: { user: User; me: User; onAsk: (question: Question) => void }) {
  const isMe = user.id === me.id;
  const canChange = administers(me) && !isMe && user.role !== "owner" && user.retired_at_ms === null;
  return (
    <Row
      isDim={user.retired_at_ms !== null}
      icon={<Avatar person={user} className={user.retired_at_ms === null ? "" : "opacity-50 grayscale"} />}
      title={
        <>
          {user.name}
          {isMe && <span className="text-xs font-normal text-muted">you</span>}
        </>
      }
      line={lineOf(user)}
    >
      {canChange ? <RoleSelect user={user} /> : <Badge>{ROLE_WORDS[user.role].name}</Badge>}
      {canChange && <PersonMenu user={user} me={me} onAsk={onAsk} />}
    </Row>
  );
}

/** The page. */
export function PeoplePage() {
  const { data: login } = useLogin();
  const users = useQuery({ queryKey: ["users"], queryFn: ({ signal }) => api.users.list(signal) });
  const [question, setQuestion] = useState<Question | null>(null);
  const [sought, setSought] = useState("");
  const [isPast, setPast] = useState(false);
  if (!login) return null;
  const me = login.user;
  const fits = (user: User) => user.name.toLowerCase().includes(sought.trim().toLowerCase());
  const row = (user: User) => <Person key={user.id} user={user} me={me} onAsk={setQuestion} />;
  return (
    <>
      <PageHead title="People">
        Everybody who can come in here, with what they may do to the instance itself. What somebody may do on a board is said when the board
        is shared.
      </PageHead>
      <Read query={users}>
        {(all) => {
          const active = all.filter((user) => user.retired_at_ms === null);
          const past = all.filter((user) => user.retired_at_ms !== null);
          return (
            <>
              {active.length > MANY && (
                <label className="relative mb-3 flex">
                  <Search size={15} aria-hidden="true" className="absolute top-2.5 left-3 text-muted" />
                  <input
                    type="search"
                    aria-label="Search people"
                    placeholder="Search"
                    value={sought}
                    onChange={(event) => setSought(event.target.value)}
                    className={`${INPUT} pl-9`}
                  />
                </label>
              )}
              <Group title={plural(active.length, "person", "people")}>
                <Rows label="People">{active.filter(fits).map(row)}</Rows>
              </Group>
              {past.length > 0 && (
                <button
                  type="button"
                  aria-expanded={isPast}
                  onClick={() => setPast(!isPast)}
                  className="mb-2 rounded-sm text-xs text-muted underline"
                >
                  {plural(past.length, "former member")}
                </button>
              )}
              {isPast && <Rows label="Former members">{past.map(row)}</Rows>}
            </>
          );
        }}
      </Read>
      {question && <Confirm question={question} onClose={() => setQuestion(null)} />}
    </>
  );
}
