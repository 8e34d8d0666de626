// Every REST call of the client, typed by the generated wire types.
import type {
  AnswerPermission,
  Board,
  BoardImage,
  BoardRights,
  BoardView,
  Comment,
  CreateComment,
  CreatePrompt,
  CreateRepo,
  CreateSession,
  Diff,
  Executor,
  Instance,
  LoginSession,
  Message,
  MessageList,
  Page,
  PatchBoard,
  PatchComment,
  PatchSession,
  PatchUser,
  Repo,
  Session,
  Task,
  User,
} from "@/wire";
import { request } from "./rest";

const PAGE = 200;
/** Pages read at most for one list: a list longer than this is cut, not endless. */
const PAGES = 25;

/** Reads all pages of a list. */
export async function all<T>(path: string, query: Record<string, string | boolean | undefined>, signal?: AbortSignal): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES; page += 1) {
    const answer: Page<T> = await request("GET", path, { query: { ...query, limit: PAGE, cursor }, signal });
    items.push(...answer.items);
    cursor = answer.next_cursor;
    if (cursor === undefined) break;
  }
  return items;
}

/** Where the content of an image is. */
export function imageUrl(board: string, image: string): string {
  return `/api/v1/boards/${board}/images/${image}`;
}

/** The calls, by noun. */
export const api = {
  instance: (signal?: AbortSignal) => request<Instance>("GET", "/instance", { signal }),
  boards: {
    list: (signal?: AbortSignal) => all<Board>("/boards", {}, signal),
    create: (name: string) => request<Board>("POST", "/boards", { body: { name } }),
    addImage: (id: string, content: Blob) => request<BoardImage>("POST", `/boards/${id}/images`, { body: content, timeoutMs: 60_000 }),
    view: (id: string, signal?: AbortSignal) => request<BoardView>("GET", `/boards/${id}/view`, { signal }),
    putView: (id: string, body: BoardView, isLast: boolean) => request<BoardView>("PUT", `/boards/${id}/view`, { body, isLast }),
    patch: (id: string, body: PatchBoard) => request<Board>("PATCH", `/boards/${id}`, { body }),
    rights: (id: string, user?: string, signal?: AbortSignal) =>
      request<BoardRights>("GET", `/boards/${id}/rights`, { query: { user }, signal }),
  },
  comments: {
    create: (body: CreateComment) => request<Comment>("POST", "/comments", { body }),
    patch: (id: string, body: PatchComment) => request<Comment>("PATCH", `/comments/${id}`, { body }),
    remove: (id: string) => request<unknown>("DELETE", `/comments/${id}`),
  },
  repos: {
    list: (signal?: AbortSignal) => all<Repo>("/repos", {}, signal),
    create: (body: CreateRepo) => request<Repo>("POST", "/repos", { body }),
    get: (id: string, signal?: AbortSignal) => request<Repo>("GET", `/repos/${id}`, { signal }),
  },
  sessions: {
    create: (body: CreateSession) => request<Session>("POST", "/sessions", { body }),
    patch: (id: string, body: PatchSession) => request<Session>("PATCH", `/sessions/${id}`, { body }),
    remove: (id: string) => request<unknown>("DELETE", `/sessions/${id}`),
    prompt: (id: string, body: CreatePrompt) => request<Task>("POST", `/sessions/${id}/prompt`, { body }),
    stop: (id: string) => request<Session>("POST", `/sessions/${id}/stop`),
    diff: (id: string, signal?: AbortSignal) => request<Diff>("GET", `/sessions/${id}/diff`, { signal, timeoutMs: 60_000 }),
    before: (id: string, index: number, signal?: AbortSignal) =>
      request<MessageList>("GET", `/sessions/${id}/messages`, { query: { before: index, limit: 100 }, signal }),
    answer: (id: string, permission: string, body: AnswerPermission) =>
      request<Message>("POST", `/sessions/${id}/permissions/${permission}`, { body }),
  },
  executors: {
    restart: (id: string) => request<Executor>("POST", `/executors/${id}/restart`, { timeoutMs: 60_000 }),
  },
  users: {
    list: (signal?: AbortSignal) => all<User>("/users", {}, signal),
    patchMe: (body: PatchUser) => request<User>("PATCH", "/users/me", { body }),
  },
  login: {
    current: (signal?: AbortSignal) => request<LoginSession>("GET", "/login-sessions/current", { signal }),
    create: (name: string, emoji?: string) =>
      request<LoginSession>("POST", "/login-sessions", { body: emoji ? { name, emoji } : { name } }),
    createWithToken: (token: string) => request<LoginSession>("POST", "/login-sessions", { body: { token } }),
    remove: () => request<undefined>("DELETE", "/login-sessions/current"),
  },
};
