// Parts of forms: a field with its label and what is wrong with it, choices, switches, secrets that are shown once.
import { Check, ChevronDown, Copy } from "lucide-react";
import { type ComponentProps, type ReactNode, useId, useState } from "react";
import { Button } from "./Button";
import { cx } from "./cx";
import { toastProblem } from "./toasts";

/** The look of a field of one line. */
export const INPUT =
  "h-9 w-full min-w-0 rounded-md border border-strong bg-surface px-3 disabled:opacity-60 aria-invalid:border-fail max-[719px]:h-11";

/** What ties a control to its label and to the words below it. */
export interface Tied {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": true | undefined;
}

/** A label, a control, and a line below: what is wrong, or else what to know. */
export function Field({
  label,
  hint,
  error,
  className,
  children,
}: {
  label: string;
  hint?: ReactNode;
  error?: string | null | undefined;
  className?: string;
  children: (tied: Tied) => ReactNode;
}) {
  const id = useId();
  const hasLine = Boolean(error) || (hint !== undefined && hint !== null && hint !== false);
  return (
    <div className={cx("flex min-w-0 flex-col gap-1", className)}>
      <label htmlFor={id} className="text-xs font-medium">
        {label}
      </label>
      {children({ id, "aria-describedby": hasLine ? `${id}-line` : undefined, "aria-invalid": error ? true : undefined })}
      {hasLine && (
        <div id={`${id}-line`} className={cx("text-xs", error ? "text-fail" : "text-muted")}>
          {error || hint}
        </div>
      )}
    </div>
  );
}

/** A choice from a list, by the browser's own control: it works with every keyboard, finger and reader. */
export function Select({ className, isSmall = false, children, ...rest }: ComponentProps<"select"> & { isSmall?: boolean }) {
  return (
    <span className={cx("relative inline-flex min-w-0", className)}>
      <select {...rest} className={cx(INPUT, "appearance-none truncate pr-8", isSmall && "h-8! max-[719px]:h-10!")}>
        {children}
      </select>
      <ChevronDown size={14} aria-hidden="true" className="pointer-events-none absolute top-1/2 right-2.5 -translate-y-1/2 text-muted" />
    </span>
  );
}

/** Something that is on or off, and at once. */
export function Switch({
  label,
  hint,
  isOn,
  isDisabled = false,
  onChange,
}: {
  label: string;
  hint?: ReactNode;
  isOn: boolean;
  isDisabled?: boolean;
  onChange: (isOn: boolean) => void;
}) {
  const id = useId();
  return (
    <div className="flex items-center gap-4">
      <div className="min-w-0 flex-1">
        <div id={id} className="font-medium">
          {label}
        </div>
        {hint && (
          <div id={`${id}-hint`} className="text-xs text-muted">
            {hint}
          </div>
        )}
      </div>
      <button
        type="button"
        role="switch"
        aria-checked={isOn}
        aria-labelledby={id}
        aria-describedby={hint ? `${id}-hint` : undefined}
        disabled={isDisabled}
        onClick={() => onChange(!isOn)}
        className={cx(
          "flex h-6 w-10 shrink-0 items-center rounded-full px-1 disabled:opacity-50",
          isOn ? "justify-end bg-run" : "bg-fg/30",
        )}
      >
        <span className="size-4 rounded-full bg-surface" />
      </button>
    </div>
  );
}

/** One of a few, with what each means. */
export function Choices<T extends string>({
  legend,
  value,
  options,
  isDisabled = false,
  onChange,
}: {
  legend: string;
  value: T;
  options: readonly { value: T; label: string; hint?: string; icon?: ReactNode }[];
  isDisabled?: boolean;
  onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset disabled={isDisabled} className="flex flex-col overflow-hidden rounded-lg border border-strong disabled:opacity-60">
      <legend className="sr-only">{legend}</legend>
      {options.map((option) => (
        <label
          key={option.value}
          className={cx(
            "flex cursor-pointer items-start gap-2.5 px-3 py-2 not-last:border-b has-focus-visible:bg-fg/7",
            value === option.value ? "bg-fg/5" : "hover:bg-fg/3",
          )}
        >
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={value === option.value}
            onChange={() => onChange(option.value)}
            className="mt-1 size-3.5 shrink-0 accent-(--focus)"
          />
          {option.icon && <span className="mt-0.5 text-muted">{option.icon}</span>}
          <span className="min-w-0">
            <span className="block font-medium">{option.label}</span>
            {option.hint && <span className="block text-xs text-muted">{option.hint}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** A small word beside a name. */
export function Badge({ tone = "plain", children }: { tone?: "plain" | "run" | "need" | "fail"; children: ReactNode }) {
  const look = {
    plain: "bg-fg/7 text-fg",
    run: "bg-add-fill text-add",
    need: "bg-need-fill text-need",
    fail: "bg-fail-fill text-fail",
  }[tone];
  return <span className={cx("shrink-0 rounded-full px-2 text-2xs leading-4.5 font-semibold whitespace-nowrap", look)}>{children}</span>;
}

/** A value that is shown this once, ready to be copied. */
export function Once({ label, value, children }: { label: string; value: string; children: ReactNode }) {
  const [isCopied, setCopied] = useState(false);
  const field = useId();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      setCopied(true);
    } catch (error) {
      // Without a secure context there is no clipboard: the field is there to be selected.
      toastProblem(error);
    }
  };
  const canCopy = typeof navigator.clipboard?.writeText === "function";
  return (
    <div role="status" className="flex flex-col gap-2 rounded-lg border border-run/40 bg-add-fill p-3">
      <label htmlFor={field} className="font-semibold">
        {label}
      </label>
      <div className="flex gap-2">
        <input
          id={field}
          readOnly
          value={value}
          spellCheck={false}
          onFocus={(event) => event.target.select()}
          className={cx(INPUT, "bg-surface! font-mono text-xs")}
        />
        {canCopy && (
          <Button className="h-9 max-[719px]:h-11" onClick={() => void copy()}>
            {isCopied ? <Check size={14} aria-hidden="true" /> : <Copy size={14} aria-hidden="true" />}
            {isCopied ? "Copied" : "Copy"}
          </Button>
        )}
      </div>
      <p className="text-xs text-muted">{children}</p>
    </div>
  );
}
