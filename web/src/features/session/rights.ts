// What oneself may do with one session: its board's right, and whose turn it is.
import { createContext, useContext } from "react";
import { useConnection } from "@/app/live";
import { type May, useMay } from "@/features/rights/useMay";
import type { Channel } from "@/net/client";
import type { Task } from "@/wire";
import type { SessionModel } from "./model";

/** Rights on a session. */
export interface SessionRights {
  may: May;
  /** Stopping, and answering what the present turn asks: one's own turn, or those of others. */
  canSteerTurn: boolean;
  /** Naming, archiving and removing it: one's own session, or those of others. */
  canManage: boolean;
}

/** Whose turn it is now, or next; `null` when there is none. */
export function turnOf(tasks: Iterable<Task>): string | null {
  let present: Task | null = null;
  for (const task of tasks) if (task.ended_at_ms === null && (!present || task.index < present.index)) present = task;
  return present?.created_by ?? null;
}

/** The rights of this window's person. */
export function useSessionRights(board: Channel, model: SessionModel): SessionRights {
  const may = useMay(board.ch.slice("board:".length));
  const { user } = useConnection();
  const turn = turnOf(model.tasks.values());
  const isOwnTurn = turn === null || user === null || turn === user;
  const isOwn = model.session !== null && model.session.created_by === user;
  return {
    may,
    canSteerTurn: may.can(isOwnTurn ? "prompt" : "steer"),
    canManage: may.can(isOwn ? "prompt" : "steer"),
  };
}

/** Given by the panel; without it nothing is withheld. */
export const SessionRightsContext = createContext<SessionRights | null>(null);

/** Why the present request cannot be answered by this person; empty when it can. */
export function useWhyNoAnswer(): string {
  const rights = useContext(SessionRightsContext);
  if (!rights || rights.canSteerTurn) return "";
  const asked = rights.may.can("prompt") ? "This turn was prompted by somebody else. " : "";
  return asked + rights.may.why("steer");
}
