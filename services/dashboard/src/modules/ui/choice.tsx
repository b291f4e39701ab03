import clsx from "clsx";
import { Check } from "lucide-react";
import {
  Checkbox as RadixCheckbox,
  RadioGroup as RadixRadio,
  Slider as RadixSlider,
  Switch as RadixSwitch,
} from "radix-ui";
import { type ReactNode, useId } from "react";
import { useFieldControl } from "./field.js";

type Toggle = {
  checked: boolean;
  onChange(checked: boolean): void;
  children?: ReactNode;
  disabled?: boolean;
};

export function Checkbox({ checked, onChange, children, disabled }: Toggle) {
  const field = useFieldControl();
  const id = useId();
  return (
    <div className="flex items-start gap-2.5">
      <RadixCheckbox.Root
        {...field}
        id={field.id ?? id}
        checked={checked}
        disabled={disabled ?? false}
        onCheckedChange={(state) => onChange(state === true)}
        className="mt-0.5 flex size-4.5 shrink-0 items-center justify-center rounded border border-line-strong bg-surface shadow-card hover:border-faint disabled:opacity-60 data-[state=checked]:border-accent data-[state=checked]:bg-accent"
      >
        <RadixCheckbox.Indicator>
          <Check className="size-3.5 text-on-accent" strokeWidth={3} aria-hidden />
        </RadixCheckbox.Indicator>
      </RadixCheckbox.Root>
      {children && (
        <label htmlFor={field.id ?? id} className="text-base">
          {children}
        </label>
      )}
    </div>
  );
}

export function Switch({ checked, onChange, children, disabled }: Toggle) {
  const field = useFieldControl();
  const id = useId();
  return (
    <div className="flex items-center gap-2.5">
      <RadixSwitch.Root
        {...field}
        id={field.id ?? id}
        checked={checked}
        disabled={disabled ?? false}
        onCheckedChange={onChange}
        className="h-5 w-9 shrink-0 rounded-full bg-line-strong p-0.5 transition-colors disabled:opacity-60 data-[state=checked]:bg-accent"
      >
        <RadixSwitch.Thumb className="block size-4 rounded-full bg-white shadow-card transition-transform data-[state=checked]:translate-x-4" />
      </RadixSwitch.Root>
      {children && (
        <label htmlFor={field.id ?? id} className="text-base">
          {children}
        </label>
      )}
    </div>
  );
}

export type RadioOption = { value: string; label: string; description?: ReactNode; icon?: ReactNode };

export function RadioCards(props: {
  value: string | undefined;
  options: readonly RadioOption[];
  onChange(value: string): void;
  label: string;
  disabled?: boolean;
}) {
  const id = useId();
  return (
    <RadixRadio.Root
      value={props.value ?? ""}
      onValueChange={props.onChange}
      disabled={props.disabled ?? false}
      aria-label={props.label}
      className="grid gap-2 sm:grid-cols-2"
    >
      {props.options.map((option) => (
        <label
          key={option.value}
          htmlFor={`${id}-${option.value}`}
          className={clsx(
            "flex items-start gap-2.5 rounded-lg border bg-surface px-3 py-2 transition-colors hover:bg-hover",
            option.value === props.value ? "border-accent ring-1 ring-accent" : "border-line-strong",
          )}
        >
          <RadixRadio.Item
            id={`${id}-${option.value}`}
            value={option.value}
            className="mt-0.5 flex size-4.5 shrink-0 items-center justify-center rounded-full border border-line-strong bg-surface disabled:opacity-60 data-[state=checked]:border-accent data-[state=checked]:bg-accent"
          >
            <RadixRadio.Indicator className="size-1.5 rounded-full bg-on-accent" />
          </RadixRadio.Item>
          <span className="min-w-0">
            <span className="flex items-center gap-2 text-base">
              {option.icon}
              {option.label}
            </span>
            {option.description && <span className="block text-muted text-xs">{option.description}</span>}
          </span>
        </label>
      ))}
    </RadixRadio.Root>
  );
}

export function Slider(props: {
  value: number;
  min: number;
  max: number;
  onChange(value: number): void;
  label: string;
  disabled?: boolean;
}) {
  return (
    <div className="flex items-center gap-4">
      <RadixSlider.Root
        value={[props.value]}
        min={props.min}
        max={props.max}
        step={1}
        disabled={props.disabled ?? false}
        onValueChange={([value]) => props.onChange(value ?? props.min)}
        className="relative flex h-8 grow touch-none items-center"
      >
        <RadixSlider.Track className="h-1.5 grow overflow-hidden rounded-full bg-line-strong">
          <RadixSlider.Range className="absolute h-1.5 rounded-full bg-accent" />
        </RadixSlider.Track>
        <RadixSlider.Thumb
          aria-label={props.label}
          className="block size-4.5 rounded-full border-2 border-accent bg-white shadow-card"
        />
      </RadixSlider.Root>
      <output className="w-12 text-right text-base tabular-nums">{props.value}</output>
    </div>
  );
}
