import clsx from "clsx";
import { Check, ChevronDown } from "lucide-react";
import { Select as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { CONTROL, useFieldControl } from "./field.js";

export type SelectOption = { value: string; label: string; description?: string; icon?: ReactNode };

/** Radix reserves "" for "nothing selected", so an option with an empty value uses this one. */
const BLANK = "\u0000blank";

export type SelectProps = {
  value: string | undefined;
  options: readonly SelectOption[];
  onChange(value: string): void;
  placeholder?: string;
  disabled?: boolean;
  label?: string;
  className?: string;
};

/** A select with an icon and a description per option. */
export function Select({ value, options, onChange, placeholder, disabled, label, className }: SelectProps) {
  return (
    <Radix.Root
      value={value === "" ? (options.some((option) => option.value === "") ? BLANK : "") : (value ?? "")}
      onValueChange={(chosen) => onChange(chosen === BLANK ? "" : chosen)}
      disabled={disabled ?? false}
    >
      <Radix.Trigger
        {...useFieldControl()}
        aria-label={label}
        className={clsx(
          CONTROL,
          "flex h-8 items-center justify-between gap-2 text-left data-placeholder:text-faint",
          className,
        )}
      >
        <span className="truncate">
          <Radix.Value placeholder={placeholder ?? "Choose one"} />
        </span>
        <ChevronDown className="size-4 shrink-0 text-faint" aria-hidden />
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          position="popper"
          sideOffset={4}
          collisionPadding={8}
          className="z-50 max-h-(--radix-select-content-available-height) min-w-(--radix-select-trigger-width) max-w-[calc(100vw-1rem)] animate-appear overflow-hidden rounded-lg border border-line bg-raised p-1 shadow-float"
        >
          <Radix.Viewport>
            {options.map((option) => (
              <Radix.Item
                key={option.value}
                value={option.value === "" ? BLANK : option.value}
                className="flex cursor-default select-none items-start gap-2 rounded-md py-1.5 pr-8 pl-2 text-base outline-none data-highlighted:bg-hover"
              >
                <span className="min-w-0">
                  <Radix.ItemText>
                    <span className="flex items-center gap-2">
                      {option.icon}
                      {option.label}
                    </span>
                  </Radix.ItemText>
                  {option.description && (
                    <span className="block max-w-80 text-muted text-xs">{option.description}</span>
                  )}
                </span>
                <Radix.ItemIndicator className="absolute right-2">
                  <Check className="size-4 text-accent" aria-hidden />
                </Radix.ItemIndicator>
              </Radix.Item>
            ))}
          </Radix.Viewport>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
