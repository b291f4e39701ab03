import { Input } from "./field.js";

const UNIT_MS = { hours: 3_600_000, days: 86_400_000 } as const;

/** A duration in a form; empty means none. `durationOf` reads it. */
export function DurationInput(props: {
  unit: keyof typeof UNIT_MS;
  defaultMs: number;
  /** What no duration means: "Never". */
  none: string;
  disabled?: boolean;
}) {
  const { unit, defaultMs, none, disabled } = props;
  return (
    <div className="flex items-center gap-2">
      <Input
        type="number"
        min={0}
        step="any"
        defaultValue={defaultMs > 0 ? String(Number((defaultMs / UNIT_MS[unit]).toFixed(3))) : ""}
        placeholder={none}
        disabled={disabled}
        className="w-28!"
      />
      <span className="text-muted">{unit}</span>
    </div>
  );
}

/** Milliseconds of the text in a `DurationInput`; 0 if it is empty. */
export function durationOf(text: string, unit: keyof typeof UNIT_MS): number {
  return Math.round(Number(text.trim() || "0") * UNIT_MS[unit]);
}
