// Whose a pressed key is. The keys of the board are in `boardKeys.ts`.

/** Whether keys belong to a field that takes text, or to a control. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element && target.closest("input, textarea, select, [contenteditable=true], [role=menu], [role=dialog]") !== null
  );
}
