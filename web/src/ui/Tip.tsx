// Tooltips: the name of a control and its key.
import { Tooltip } from "radix-ui";
import type { ReactNode } from "react";
import { Key } from "./Button";

/** Shows `text` beside its child on hover and focus. */
export function Tip({ text, keys, side, children }: { text: string; keys?: string; side?: "top" | "bottom"; children: ReactNode }) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content
          side={side ?? "bottom"}
          sideOffset={6}
          collisionPadding={8}
          className="pop z-50 flex max-w-80 items-center gap-2 rounded-md bg-ink px-2 py-1 text-xs text-on-ink"
        >
          {text}
          {keys && <Key>{keys}</Key>}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
