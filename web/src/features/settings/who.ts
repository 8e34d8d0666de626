// Who may see which page, and reading lists again after a change.
import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import type { User } from "@/wire";

/** Whether somebody runs the instance. */
export const administers = (user: User | undefined) => user?.role === "owner" || user?.role === "admin";

/** Reads lists again, by the first word of their keys. */
export function useRefresh(...keys: string[]): () => Promise<unknown> {
  const cache = useQueryClient();
  const names = keys.join();
  return useCallback(() => Promise.all(names.split(",").map((key) => cache.invalidateQueries({ queryKey: [key] }))), [cache, names]);
}
