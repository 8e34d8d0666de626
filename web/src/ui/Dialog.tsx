// Dialogs in the middle of the page; a sheet from below on narrow screens.
import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { IconButton } from "./Button";
import { cx } from "./cx";

/** A modal dialog with a title. */
export function Dialog({
  isOpen,
  onClose,
  title,
  description,
  className,
  children,
}: {
  isOpen: boolean;
  onClose: () => void;
  title: string;
  description?: string;
  className?: string;
  children: ReactNode;
}) {
  return (
    <Radix.Root open={isOpen} onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-(--shade)" />
        <Radix.Content
          {...(description ? {} : { "aria-describedby": undefined })}
          className={cx(
            "pop fixed z-40 flex max-h-[calc(100dvh-max(24px,12vh)-24px)] flex-col rounded-xl border border-strong bg-raised shadow-(--float)",
            "top-[max(24px,12vh)] left-1/2 w-140 max-w-[calc(100vw-32px)] -translate-x-1/2",
            "max-[719px]:inset-x-0 max-[719px]:max-h-[calc(100dvh-48px)] max-[719px]:top-auto max-[719px]:bottom-0 max-[719px]:left-0 max-[719px]:w-full max-[719px]:max-w-none max-[719px]:translate-x-0 max-[719px]:rounded-b-none",
            className,
          )}
        >
          <header className="flex items-center gap-3 px-5 pt-4 pb-1">
            <Radix.Title className="min-w-0 flex-1 text-lg font-semibold">{title}</Radix.Title>
            <Radix.Close asChild>
              <IconButton label="Close" className="-mr-2">
                <X size={16} />
              </IconButton>
            </Radix.Close>
          </header>
          {description && <Radix.Description className="px-5 text-muted">{description}</Radix.Description>}
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
