// Buttons of the design system.
import type { ComponentProps } from "react";
import { cx } from "./cx";

type Variant = "primary" | "plain" | "ghost" | "danger" | "allow";

const LOOK: Record<Variant, string> = {
  primary: "bg-ink text-on-ink border-ink hover:opacity-88",
  plain: "bg-surface text-fg border-strong hover:bg-sunken",
  ghost: "bg-transparent text-fg border-transparent hover:bg-fg/7",
  danger: "bg-surface text-fail border-strong hover:bg-fail-fill",
  allow: "bg-run text-surface border-run hover:opacity-88",
};

/** A button with words. */
export function Button({ variant = "plain", className, ...rest }: ComponentProps<"button"> & { variant?: Variant }) {
  return (
    <button
      type="button"
      className={cx(
        "inline-flex h-8 shrink-0 items-center justify-center gap-1.5 rounded-md border px-3 text-sm font-medium select-none disabled:opacity-50 max-[719px]:h-10",
        LOOK[variant],
        className,
      )}
      {...rest}
    />
  );
}

/** A square button with an icon; `label` is its name. */
export function IconButton({ label, isOn, className, ...rest }: ComponentProps<"button"> & { label: string; isOn?: boolean }) {
  return (
    <button
      type="button"
      aria-label={label}
      aria-pressed={isOn}
      className={cx(
        "inline-flex size-8 shrink-0 items-center justify-center rounded-md text-muted select-none hover:bg-fg/7 hover:text-fg disabled:opacity-40 max-[719px]:size-10",
        isOn && "bg-fg/10 text-fg",
        className,
      )}
      {...rest}
    />
  );
}

/** A key, as shown in tooltips and on the shortcuts sheet. */
export function Key({ children }: { children: string }) {
  return (
    <kbd className="inline-flex h-4.5 min-w-4.5 items-center justify-center rounded-sm border border-current/25 px-1 font-sans text-2xs">
      {children}
    </kbd>
  );
}
