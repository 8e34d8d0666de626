// Why somebody can, or cannot: the right they have on a board, and everything that led to it.
import { useQuery } from "@tanstack/react-query";
import { ArrowDownRight, Check, CircleQuestionMark } from "lucide-react";
import { useState } from "react";
import { ABLE, RIGHT_WORDS } from "@/features/rights/model";
import { api } from "@/net/api";
import { Field, Select } from "@/ui/Form";
import { ProblemNote } from "@/ui/states";
import type { BoardRights, RightSource, User } from "@/wire";

/** The reasons as one is told them about oneself; those with a name in them are said by the server. */
const MINE: Partial<Record<RightSource, string>> = {
  ownership: "The board is yours",
  grant: "It was given to you",
};

const asSentence = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1);

function Reasons({ rights, isMe }: { rights: BoardRights; isMe: boolean }) {
  const { right, reasons, limits } = rights;
  const words = right && (isMe ? ABLE[right] : ABLE[right].replace("You", "They"));
  return (
    <div className="rounded-lg border border-strong bg-surface p-3">
      <p className="font-medium">{words ?? `For ${isMe ? "you" : "them"} this board does not exist.`}</p>
      <ul aria-label="Reasons" className="mt-2 flex flex-col gap-1.5">
        {reasons.map((reason) => (
          <li key={`${reason.source} ${reason.group_id ?? ""}`} className="flex items-start gap-2">
            <Check size={14} aria-hidden="true" className="mt-0.75 shrink-0 text-run" />
            <span>
              {(isMe && MINE[reason.source]) || asSentence(reason.text)}{" "}
              <span className="text-muted">({RIGHT_WORDS[reason.right].name.toLowerCase()})</span>
            </span>
          </li>
        ))}
        {limits.map((limit) => (
          <li key={limit.cap} className="flex items-start gap-2">
            <ArrowDownRight size={14} aria-hidden="true" className="mt-0.75 shrink-0 text-need" />
            <span>{asSentence(limit.text)}</span>
          </li>
        ))}
        {reasons.length === 0 && limits.length === 0 && <li className="text-muted">Nothing gives a right here.</li>}
      </ul>
    </div>
  );
}

/** The explainer; without `users` it explains oneself only. */
export function Explainer({ board, users }: { board: string; users: readonly User[] }) {
  const [isOpen, setOpen] = useState(false);
  const [user, setUser] = useState("");
  const rights = useQuery({
    queryKey: ["rights", board, user],
    queryFn: ({ signal }) => api.boards.rights(board, user || undefined, signal),
    enabled: isOpen,
  });
  return (
    <section aria-label="Why" className="flex flex-col gap-2">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="flex items-center gap-1.5 self-start rounded-sm text-muted underline underline-offset-2 hover:text-fg"
      >
        <CircleQuestionMark size={14} aria-hidden="true" />
        {users.length > 0 ? "Why can somebody, or why not?" : "Why can I, or why not?"}
      </button>
      {isOpen && (
        <>
          {users.length > 0 && (
            <Field label="Person">
              {(tied) => (
                <Select {...tied} value={user} onChange={(event) => setUser(event.target.value)}>
                  <option value="">Me</option>
                  {users.map(({ id, name }) => (
                    <option key={id} value={id}>
                      {name}
                    </option>
                  ))}
                </Select>
              )}
            </Field>
          )}
          {rights.isError && <ProblemNote error={rights.error} />}
          {rights.data && <Reasons rights={rights.data} isMe={user === ""} />}
        </>
      )}
    </section>
  );
}
