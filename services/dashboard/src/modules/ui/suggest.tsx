import clsx from "clsx";
import { Search } from "lucide-react";
import { type KeyboardEvent, useId, useState } from "react";
import { Input } from "./field.js";

export type Suggestion = { value: string; label: string; description?: string };

/** A text field whose list of suggestions is chosen from by mouse or keyboard (the combobox pattern of ARIA). */
export function Suggest(props: {
  label: string;
  text: string;
  onText(text: string): void;
  options: readonly Suggestion[];
  onChoose(value: string): void;
}) {
  const { label, text, onText, options, onChoose } = props;
  const id = useId();
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const current = Math.min(at, options.length - 1);
  const choose = (option: Suggestion | undefined) => {
    if (!option) return;
    setOpen(false);
    setAt(0);
    onChoose(option.value);
  };
  function onKey(event: KeyboardEvent) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setOpen(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      setAt(open ? (current + step + options.length) % Math.max(1, options.length) : 0);
    } else if (event.key === "Enter") {
      // It chooses; it does not send the form around it.
      event.preventDefault();
      if (open) choose(options[current]);
    } else if (event.key === "Escape") setOpen(false);
  }
  const shown = open && options.length > 0;
  return (
    <div className="relative max-w-md">
      <Search aria-hidden className="-translate-y-1/2 absolute top-1/2 left-3 size-4 text-faint" />
      <Input
        role="combobox"
        aria-label={label}
        aria-expanded={shown}
        aria-controls={`${id}-list`}
        aria-activedescendant={shown ? `${id}-${current}` : undefined}
        aria-autocomplete="list"
        placeholder={label}
        autoComplete="off"
        value={text}
        className="pl-9"
        onChange={({ target }) => {
          onText(target.value);
          setOpen(true);
          setAt(0);
        }}
        onFocus={() => setOpen(true)}
        onClick={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKey}
      />
      <div
        id={`${id}-list`}
        role="listbox"
        aria-label="Suggestions"
        hidden={!shown}
        className="absolute inset-x-0 top-full z-30 mt-1 max-h-72 overflow-y-auto rounded-lg border border-line bg-raised p-1 shadow-float"
      >
        {options.map((option, index) => (
          // biome-ignore lint/a11y/useFocusableInteractive: the field has the focus (aria-activedescendant)
          // biome-ignore lint/a11y/useKeyWithClickEvents: its keys are the field's
          <div
            key={option.value}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === current}
            className={clsx("cursor-pointer rounded-md px-2 py-1.5", index === current && "bg-hover")}
            onMouseEnter={() => setAt(index)}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => choose(option)}
          >
            <span className="block truncate">{option.label}</span>
            {option.description && (
              <span className="block truncate text-muted text-sm">{option.description}</span>
            )}
          </div>
        ))}
      </div>
    </div>
  );
}
