// Everybody on the instance: who they are and what they may do; retiring for those who run it.
import { useQuery } from "@tanstack/react-query";
import { Search, UserMinus } from "lucide-react";
import { useState } from "react";
import { useLogin } from "@/app/live";
import { Avatar } from "@/features/people/Avatar";
import { api } from "@/net/api";
import { people } from "@/net/people";
import { IconButton } from "@/ui/Button";
import { Confirm, type Question } from "@/ui/Confirm";
import { Badge, INPUT } from "@/ui/Form";
import { date, plural } from "@/ui/format";
import { Tip } from "@/ui/Tip";
import type { User } from "@/wire";
import { Group, PageHead, Read, Row, Rows } from "./parts";
import { administers, ROLE_NAMES, useRefresh } from "./who";

/** From so many people on a list is searched, not looked through. */
const MANY = 8;

/** What one sees of somebody below the name. */
function lineOf(user: User): string {
  const account = user.unix_account ? [`account ${user.unix_account.name}`] : [];
  return [...account, user.retired_at_ms ? `retired ${date(user.retired_at_ms)}` : `here since ${date(user.created_at_ms)}`].join(" · ");
}

function Person({ user, me, onRetire }: { user: User; me: User; onRetire: (user: User) => void }) {
  const isMe = user.id === me.id;
  const canRetire = administers(me) && !isMe && user.role !== "owner" && user.retired_at_ms === null;
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
      <Badge>{ROLE_NAMES[user.role]}</Badge>
      {canRetire && (
        <Tip text="Retire">
          <IconButton label={`Retire ${user.name}`} onClick={() => onRetire(user)}>
            <UserMinus size={15} />
          </IconButton>
        </Tip>
      )}
    </Row>
  );
}

/** What is asked before somebody is retired. */
function retiring(user: User, refresh: () => Promise<unknown>): Question {
  return {
    title: `Retire ${user.name}?`,
    body: (
      <>
        <p>{user.name} is signed out everywhere, tokens end, and running work of theirs is stopped.</p>
        <p className="text-muted">Name and history stay. A person who is retired does not come back.</p>
      </>
    ),
    act: "Retire",
    run: async () => {
      await people.users.retire(user.id);
      await refresh();
    },
  };
}

/** The page. */
export function PeoplePage() {
  const { data: login } = useLogin();
  const refresh = useRefresh("users");
  const users = useQuery({ queryKey: ["users"], queryFn: ({ signal }) => api.users.list(signal) });
  const [retired, setRetired] = useState<User | null>(null);
  const [sought, setSought] = useState("");
  const [isPast, setPast] = useState(false);
  if (!login) return null;
  const me = login.user;
  const fits = (user: User) => user.name.toLowerCase().includes(sought.trim().toLowerCase());
  const row = (user: User) => <Person key={user.id} user={user} me={me} onRetire={setRetired} />;
  return (
    <>
      <PageHead title="People">Everybody who can come in here, with what they may do to the instance itself.</PageHead>
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
      {retired && <Confirm question={retiring(retired, refresh)} onClose={() => setRetired(null)} />}
    </>
  );
}
