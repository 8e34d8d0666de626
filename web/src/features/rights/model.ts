// The order of rights on a board, and their words. Which right somebody has is decided by the server alone.
import { either } from "@/ui/format";
import type { BoardRight, UserRole } from "@/wire";

/** From the least to the most; each holds the ones before it. */
export const RIGHTS: readonly BoardRight[] = ["view", "comment", "prompt", "steer", "admin"];

/** Whether `right` is enough where `need` is needed. */
export function holds(right: BoardRight, need: BoardRight): boolean {
  return RIGHTS.indexOf(right) >= RIGHTS.indexOf(need);
}

/** Each right as one chooses it. */
export const RIGHT_WORDS: Record<BoardRight, { name: string; what: string }> = {
  view: { name: "Can view", what: "Sees everything on the board" },
  comment: { name: "Can comment", what: "Also writes and resolves comments" },
  prompt: { name: "Can prompt", what: "Also prompts agents and changes what lies on the board" },
  steer: { name: "Can steer", what: "Also stops and answers for the turns of others" },
  admin: { name: "Can manage", what: "Also names, shares and archives the board" },
};

/** What one is told of one's right. */
export const ABLE: Record<BoardRight, string> = {
  view: "You can view this board.",
  comment: "You can view this board and comment on it.",
  prompt: "You can prompt on this board.",
  steer: "You can steer this board.",
  admin: "You can manage this board.",
};

/** Why something is not possible, and who can help: “You can view this board. Ana can give you more.” */
export function whyNot(have: BoardRight, role: UserRole | undefined, givers: readonly string[]): string {
  if (role === "viewer") return `${ABLE[have]} Your role on this instance is to view; an admin can change it.`;
  if (givers.length === 0) return ABLE[have];
  return `${ABLE[have]} ${either(givers)} can give you more.`;
}

/** Each role as one chooses it. */
export const ROLE_WORDS: Record<UserRole, { name: string; what: string }> = {
  owner: { name: "Owner", what: "Whose instance it is; hands it over to somebody else" },
  admin: { name: "Admin", what: "Runs the instance: people, groups, secrets, audit; may do everything on every board" },
  member: { name: "Member", what: "Makes boards and registers repositories; on other boards what is given" },
  viewer: { name: "Viewer", what: "Sees the boards that are shared, and changes nothing" },
};
