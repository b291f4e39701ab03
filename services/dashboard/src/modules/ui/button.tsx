import clsx from "clsx";
import { LoaderCircle } from "lucide-react";
import { Slot } from "radix-ui";
import type { ComponentProps, ReactNode } from "react";
import { Tip } from "./tip.js";

type Look = "primary" | "secondary" | "ghost" | "danger";
type Size = "sm" | "md";

const LOOKS: Record<Look, string> = {
  primary: "bg-accent text-on-accent hover:bg-accent-strong border-transparent shadow-card",
  secondary: "bg-surface text-ink border-line-strong hover:bg-hover shadow-card",
  ghost: "border-transparent text-muted hover:bg-hover hover:text-ink",
  danger: "bg-bad-solid text-white border-transparent hover:opacity-90 shadow-card",
};
const SIZES: Record<Size, string> = {
  sm: "h-7 px-2.5 text-sm gap-1.5 rounded-md [&_svg]:size-3.5",
  md: "h-8 px-3.5 text-base gap-2 rounded-lg [&_svg]:size-4",
};

export type ButtonProps = ComponentProps<"button"> & {
  look?: Look;
  size?: Size;
  /** An operation is in progress: the button shows a spinner and ignores clicks. */
  pending?: boolean;
  icon?: ReactNode;
  /** Styles its only child, a link, as a button. */
  asChild?: boolean;
};

export function Button(props: ButtonProps) {
  const { look = "secondary", size = "md", pending, icon, asChild, className, children, ...rest } = props;
  const classes = clsx(
    "inline-flex shrink-0 select-none items-center justify-center whitespace-nowrap border font-medium transition-colors",
    "disabled:pointer-events-none disabled:border-line disabled:bg-sunken disabled:text-faint disabled:shadow-none aria-busy:opacity-70",
    LOOKS[look],
    SIZES[size],
    className,
  );
  if (asChild) {
    return (
      <Slot.Root className={classes} {...rest}>
        {children}
      </Slot.Root>
    );
  }
  return (
    <button
      type="button"
      {...rest}
      disabled={rest.disabled || pending}
      aria-busy={pending}
      className={classes}
    >
      {pending ? <LoaderCircle className="animate-spin" aria-hidden /> : icon}
      {children}
    </button>
  );
}

/** A button with only an icon; its label is announced by screen readers and shown on hover and focus. */
export function IconButton({
  label,
  className,
  size = "md",
  ...rest
}: Omit<ButtonProps, "asChild" | "icon"> & { label: string }) {
  return (
    <Tip text={label}>
      <Button
        look="ghost"
        {...rest}
        size={size}
        aria-label={label}
        className={clsx("px-0!", size === "sm" ? "w-7" : "w-8", className)}
      />
    </Tip>
  );
}
