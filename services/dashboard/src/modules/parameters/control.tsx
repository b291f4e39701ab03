import type { FormField, RichParameter } from "@fleet/sdk";
import clsx from "clsx";
import { X } from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import { Icon } from "../icons/icon.js";
import { Checkbox, RadioCards, Slider, Switch } from "../ui/choice.js";
import { CONTROL, Input, Textarea, useFieldControl } from "../ui/field.js";
import { Select } from "../ui/select.js";
import { formTypeOf, readList } from "./values.js";

export type ControlProps = {
  parameter: RichParameter;
  /** How the template wants an evaluated parameter to look. */
  styling?: FormField["styling"] | undefined;
  value: string;
  onChange(value: string): void;
  disabled?: boolean;
};

export function ParameterControl(props: ControlProps) {
  const { parameter, styling = {}, value, onChange, disabled = false } = props;
  const label = parameter.display_name || parameter.name;
  const options = parameter.options.map((option) => ({
    value: option.value,
    label: option.name,
    ...(option.description ? { description: option.description } : {}),
    icon: option.icon ? <Icon url={option.icon} size={16} /> : undefined,
  }));
  switch (formTypeOf(parameter)) {
    case "radio":
      return (
        <RadioCards label={label} value={value} options={options} onChange={onChange} disabled={disabled} />
      );
    case "dropdown":
      return (
        <Select
          label={label}
          value={value}
          options={options}
          onChange={onChange}
          disabled={disabled}
          {...(styling.placeholder ? { placeholder: styling.placeholder } : {})}
        />
      );
    case "checkbox":
      return (
        <Checkbox checked={value === "true"} onChange={(on) => onChange(String(on))} disabled={disabled}>
          {styling.label || (value === "true" ? "Yes" : "No")}
        </Checkbox>
      );
    case "switch":
      return (
        <Switch checked={value === "true"} onChange={(on) => onChange(String(on))} disabled={disabled}>
          {styling.label || (value === "true" ? "On" : "Off")}
        </Switch>
      );
    case "slider": {
      const [min, max] = [parameter.validation_min!, parameter.validation_max!];
      const number = Number(value);
      return (
        <Slider
          label={label}
          min={min}
          max={max}
          value={value !== "" && Number.isFinite(number) ? number : min}
          onChange={(next) => onChange(String(next))}
          disabled={disabled}
        />
      );
    }
    case "textarea":
      return (
        <Textarea
          value={value}
          disabled={disabled}
          placeholder={styling.placeholder}
          className={clsx("font-mono text-sm!", styling.mask_input && MASKED)}
          onChange={(event) => onChange(event.target.value)}
        />
      );
    case "multi-select":
      return <MultiSelect {...props} />;
    case "tag-select":
      return <TagInput {...props} />;
    case "error":
      return null;
    case "input":
      return (
        <Input
          value={value}
          disabled={disabled}
          placeholder={styling.placeholder}
          {...(styling.mask_input ? { type: "password", autoComplete: "off" } : {})}
          inputMode={parameter.type === "number" ? "decimal" : "text"}
          onChange={(event) => onChange(event.target.value)}
        />
      );
  }
}

/** Hides what a text area shows, which has no password type. */
const MASKED = "[-webkit-text-security:disc]";

function MultiSelect({ parameter, value, onChange, disabled }: ControlProps) {
  const chosen = readList(value);
  return (
    <fieldset className="grid gap-2 sm:grid-cols-2" disabled={disabled}>
      <legend className="sr-only">{parameter.display_name || parameter.name}</legend>
      {parameter.options.map((option) => (
        <div key={option.value} className="rounded-lg border border-line-strong bg-surface px-3 py-2">
          <Checkbox
            checked={chosen.includes(option.value)}
            disabled={disabled ?? false}
            onChange={(on) =>
              // In the options' order, so that equal choices give equal values.
              onChange(
                JSON.stringify(
                  parameter.options
                    .map((each) => each.value)
                    .filter((each) => (each === option.value ? on : chosen.includes(each))),
                ),
              )
            }
          >
            <span className="flex items-center gap-2">
              {option.icon && <Icon url={option.icon} size={16} />}
              {option.name}
            </span>
            {option.description && <span className="block text-muted text-xs">{option.description}</span>}
          </Checkbox>
        </div>
      ))}
    </fieldset>
  );
}

function TagInput({ parameter, styling, value, onChange, disabled }: ControlProps) {
  const [text, setText] = useState("");
  const tags = readList(value);
  const control = useFieldControl();
  const put = (next: string[]) => onChange(JSON.stringify(next));

  function add() {
    const tag = text.trim();
    if (tag && !tags.includes(tag)) put([...tags, tag]);
    setText("");
  }
  function onKey(event: KeyboardEvent) {
    if ((event.key === "Enter" || event.key === ",") && text.trim()) {
      event.preventDefault();
      add();
    } else if (event.key === "Backspace" && text === "" && tags.length > 0) put(tags.slice(0, -1));
  }
  return (
    <div
      className={`${CONTROL} flex min-h-8 flex-wrap items-center gap-1.5 px-1.5! py-1 focus-within:border-accent`}
    >
      {tags.map((tag) => (
        <span
          key={tag}
          className="flex items-center gap-1 rounded-md bg-accent-soft py-0.5 pr-1 pl-2 text-accent text-sm"
        >
          {tag}
          <button
            type="button"
            aria-label={`Remove ${tag}`}
            disabled={disabled}
            className="rounded hover:text-ink"
            onClick={() => put(tags.filter((each) => each !== tag))}
          >
            <X className="size-3.5" aria-hidden />
          </button>
        </span>
      ))}
      <input
        {...control}
        aria-label={parameter.display_name || parameter.name}
        value={text}
        disabled={disabled}
        placeholder={tags.length === 0 ? styling?.placeholder || "Type a value, then Enter" : ""}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKey}
        onBlur={add}
        className="min-w-32 flex-1 bg-transparent px-1.5 outline-none placeholder:text-faint"
      />
    </div>
  );
}
