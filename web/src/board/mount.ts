// Which objects are elements now. Mounting is what costs, so it is rationed per frame.

/** Elements mounted in one frame; the rest is drawn until its turn comes. */
export const MOUNTS_PER_FRAME = 6;
/** With more cards than this on screen nobody reads them: they are drawn as from far. */
export const NEAR_CARDS_MAX = 70;

/**
 * Chooses what to mount next: everything mounted that is still wanted, and of the rest the nearest to the middle.
 * `isDone` tells whether all that is wanted is mounted.
 */
export function nextMounted(
  mounted: ReadonlySet<string>,
  wanted: readonly string[],
  distance: (id: string) => number,
  budget = MOUNTS_PER_FRAME,
): { mounted: Set<string>; isDone: boolean; isChanged: boolean } {
  const next = new Set<string>();
  const missing: string[] = [];
  for (const id of wanted) {
    if (mounted.has(id)) next.add(id);
    else missing.push(id);
  }
  const removed = mounted.size - next.size;
  if (missing.length > budget) missing.sort((a, b) => distance(a) - distance(b));
  for (const id of missing.slice(0, budget)) next.add(id);
  return { mounted: next, isDone: missing.length <= budget, isChanged: removed > 0 || missing.length > 0 };
}
