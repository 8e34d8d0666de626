// Drop-down menus and popovers.
import { DropdownMenu, Popover } from "radix-ui";
import type { ReactNode } from "react";
import { cx } from "./cx";

/** Looks of menus, for those of other kinds. */
export const MENU_PANEL = "pop z-40 rounded-lg border border-strong bg-raised p-1 shadow-(--float)";

export const MENU_ITEM =
  "flex min-h-8 items-center gap-2 rounded-md px-2 py-1 outline-none select-none data-disabled:opacity-45 data-highlighted:bg-fg/7 max-[719px]:min-h-11";

/** A menu that opens from `trigger`. */
export function Menu({ trigger, align, children }: { trigger: ReactNode; align?: "start" | "end"; children: ReactNode }) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align={align ?? "end"}
          sideOffset={4}
          collisionPadding={8}
          className={cx(MENU_PANEL, "max-h-[70vh] min-w-48 overflow-y-auto")}
        >
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** An entry of a menu. */
export function MenuItem({
  onSelect,
  icon,
  isDanger,
  isDisabled,
  children,
}: {
  onSelect: () => void;
  icon?: ReactNode;
  isDanger?: boolean;
  isDisabled?: boolean;
  children: ReactNode;
}) {
  return (
    <DropdownMenu.Item disabled={isDisabled ?? false} onSelect={onSelect} className={cx(MENU_ITEM, isDanger && "text-fail")}>
      {icon && <span className="flex w-4 justify-center text-muted">{icon}</span>}
      <span className="min-w-0 flex-1">{children}</span>
    </DropdownMenu.Item>
  );
}

/** A line between entries. */
export function MenuLine() {
  return <DropdownMenu.Separator className="my-1 h-px bg-line" />;
}

/** Anything that opens from `trigger`. */
export function Pop({
  trigger,
  label,
  align,
  children,
  isOpen,
  onOpenChange,
}: {
  trigger: ReactNode;
  label: string;
  align?: "start" | "center" | "end";
  children: ReactNode;
  isOpen?: boolean;
  onOpenChange?: (open: boolean) => void;
}) {
  return (
    <Popover.Root {...(isOpen !== undefined && { open: isOpen })} {...(onOpenChange && { onOpenChange })}>
      <Popover.Trigger asChild>{trigger}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          aria-label={label}
          align={align ?? "start"}
          sideOffset={4}
          collisionPadding={8}
          className={cx(MENU_PANEL, "w-80 max-w-[calc(100vw-16px)] p-3")}
        >
          {children}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
