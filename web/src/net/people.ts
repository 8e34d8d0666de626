// REST calls about people, groups and rights. Loaded with the pages that need them, not with the board.
import type { BoardGrant, BoardRight, Group, User, UserRole } from "@/wire";
import { all } from "./api";
import { request } from "./rest";

/** The calls, by noun. */
export const people = {
  users: {
    setRole: (id: string, role: UserRole) => request<User>("PATCH", `/users/${id}`, { body: { role } }),
    makeOwner: (id: string) => request<User>("POST", `/users/${id}/owner`),
    retire: (id: string) => request<User>("DELETE", `/users/${id}`),
  },
  groups: {
    list: (signal?: AbortSignal) => all<Group>("/groups", {}, signal),
    create: (name: string) => request<Group>("POST", "/groups", { body: { name } }),
    rename: (id: string, name: string) => request<Group>("PATCH", `/groups/${id}`, { body: { name } }),
    remove: (id: string) => request<undefined>("DELETE", `/groups/${id}`),
    add: (id: string, user: string) => request<Group>("PUT", `/groups/${id}/members/${user}`),
    drop: (id: string, user: string) => request<Group>("DELETE", `/groups/${id}/members/${user}`),
  },
  grants: {
    list: (board: string, signal?: AbortSignal) => all<BoardGrant>(`/boards/${board}/grants`, {}, signal),
    put: (board: string, subject: string, right: BoardRight) =>
      request<BoardGrant>("PUT", `/boards/${board}/grants/${subject}`, { body: { right } }),
    remove: (board: string, subject: string) => request<undefined>("DELETE", `/boards/${board}/grants/${subject}`),
  },
};
