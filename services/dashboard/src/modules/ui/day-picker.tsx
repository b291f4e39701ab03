import clsx from "clsx";

/** Monday first. */
const DAYS: [day: number, name: string][] = [
  [1, "Mon"],
  [2, "Tue"],
  [3, "Wed"],
  [4, "Thu"],
  [5, "Fri"],
  [6, "Sat"],
  [0, "Sun"],
];

/** Chooses days of the week: 0 (Sunday) to 6. */
export function DayPicker(props: {
  days: readonly number[];
  onChange(days: number[]): void;
  disabled?: boolean;
}) {
  const { days, onChange, disabled } = props;
  return (
    <div className="flex flex-wrap gap-1.5">
      {DAYS.map(([day, name]) => {
        const chosen = days.includes(day);
        return (
          <button
            key={day}
            type="button"
            aria-pressed={chosen}
            disabled={disabled}
            onClick={() => onChange(chosen ? days.filter((each) => each !== day) : [...days, day].sort())}
            className={clsx(
              "h-7.5 w-12 rounded-md border text-sm transition-colors disabled:opacity-60",
              chosen
                ? "border-accent bg-accent-soft font-medium text-accent"
                : "border-line-strong text-muted hover:bg-hover",
            )}
          >
            {name}
          </button>
        );
      })}
    </div>
  );
}
