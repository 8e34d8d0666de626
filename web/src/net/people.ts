// REST calls about people. Loaded with the pages that need them, not with the board.
import type { User } from "@/wire";
import { request } from "./rest";

/** The calls, by noun. */
export const people = {
  users: {
    retire: (id: string) => request<User>("DELETE", `/users/${id}`),
  },
};
