import clsx from "clsx";
import { type ComponentProps, createContext, type ReactNode, useContext, useId } from "react";

/** What ties a control to its label, description and error; a group has no one control. */
type FieldIds = { control: string | undefined; description: string | undefined; invalid: boolean };
const FieldContext = createContext<FieldIds | undefined>(undefined);

/** The attributes that a control inside a Field needs. */
export function useFieldControl(): {
  id?: string;
  "aria-describedby"?: string;
  "aria-invalid"?: boolean;
} {
  const field = useContext(FieldContext);
  if (!field) return {};
  return {
    ...(field.control === undefined ? {} : { id: field.control }),
    "aria-invalid": field.invalid || undefined,
    ...(field.description ? { "aria-describedby": field.description } : {}),
  };
}

export type FieldProps = {
  label: ReactNode;
  /** Below the label: what the field is for. */
  description?: ReactNode;
  error?: string | undefined;
  optional?: boolean;
  /** The control is a group (radios): the label names it without pointing at one element. */
  group?: boolean;
  children: ReactNode;
};

export function Field({ label, description, error, optional, group, children }: FieldProps) {
  const id = useId();
  const describedBy = description || error ? `${id}-about` : undefined;
  const Label = group ? "div" : "label";
  return (
    <FieldContext
      value={{ control: group ? undefined : id, description: describedBy, invalid: Boolean(error) }}
    >
      <div className="flex flex-col gap-1.5">
        <Label
          {...(group ? { id: `${id}-label` } : { htmlFor: id })}
          className="flex items-baseline gap-2 font-medium text-ink text-sm"
        >
          {label}
          {optional && <span className="font-normal text-faint text-xs">optional</span>}
        </Label>
        {children}
        {(description || error) && (
          <div id={describedBy} className="text-xs">
            {error ? (
              <p role="alert" className="text-bad">
                {error}
              </p>
            ) : (
              <div className="text-muted">{description}</div>
            )}
          </div>
        )}
      </div>
    </FieldContext>
  );
}

export const CONTROL =
  "w-full rounded-lg border border-line-strong bg-surface px-3 text-base text-ink shadow-card transition-colors placeholder:text-faint hover:border-faint focus-visible:outline-offset-0 aria-invalid:border-bad disabled:opacity-60";

export function Input({ className, ...rest }: ComponentProps<"input">) {
  return <input {...useFieldControl()} {...rest} className={clsx(CONTROL, "h-8.5", className)} />;
}

export function Textarea({ className, ...rest }: ComponentProps<"textarea">) {
  return (
    <textarea
      rows={4}
      {...useFieldControl()}
      {...rest}
      className={clsx(CONTROL, "resize-y py-2", className)}
    />
  );
}
