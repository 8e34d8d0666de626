// Words for changes that were refused, here or by the server.
import type { Refusal } from "@/net/mutations";
import { toastRefusal } from "@/ui/toasts";
import type { User } from "@/wire";
import { client, queries } from "./live";

function nameOf(user: string | undefined): string {
  const here = user === undefined ? undefined : client.nameOf(user);
  if (here !== undefined) return here;
  const users = queries.getQueryData<User[]>(["users"]);
  return users?.find(({ id }) => id === user)?.name ?? "Somebody";
}

/** Says why a change was taken back, or was not made. */
export function tellRefusal({ code, msg, direction, by }: Refusal): void {
  const what = direction === "redo" ? "made again" : "undone";
  const isMe = by !== undefined && by === client.connection.user;
  const newer = `${isMe ? "You have changed it in another window" : `${nameOf(by)} has changed it`} since, so it was not ${what}.`;
  if (code === "newer") toastRefusal(newer, "");
  else if (code === "unsaved") toastRefusal(`That change is still on its way; it can be ${what} when it is saved.`, "");
  else if (code === "full") toastRefusal("Too many changes wait for the connection.", "Nothing more is taken until it is back.");
  else if (direction !== null && (code === "conflict" || code === "gone" || code === "exists")) toastRefusal(newer, "");
  else toastRefusal(msg);
}
