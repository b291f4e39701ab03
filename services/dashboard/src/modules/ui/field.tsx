import clsx from "clsx";
import { type ComponentProps, createContext, type ReactNode, useContext, useId } from "react";
import { useFieldError } from "./form-context.js";

/** Ids that associate a control with its label, description and error. A group has no single control. */
type FieldIds = {
  control: string | undefined;
  label: string;
  description: string | undefined;
  name: string | undefined;
  invalid: boolean;
};
const FieldContext = createContext<FieldIds | undefined>(undefined);

/** Attributes for a control inside a Field. */
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

/** The same, plus the field's name for form submission. */
function useNamedControl() {
  const name = useContext(FieldContext)?.name;
  return { ...useFieldControl(), ...(name === undefined ? {} : { name }) };
}

export type FieldProps = {
  /** Field name in the form and in the server's validation errors. */
  name?: string;
  label: ReactNode;
  /** Help text below the label. */
  description?: ReactNode;
  /** An error beyond the form's own checks and the server's validation errors. */
  error?: string | undefined;
  optional?: boolean;
  /** The control is a group (radio buttons), so the label does not point to a single element. */
  group?: boolean;
  children: ReactNode;
};

export function Field({ name, label, description, error: given, optional, group, children }: FieldProps) {
  const id = useId();
  const told = useFieldError(name);
  const error = given ?? told;
  const describedBy = description || error ? `${id}-about` : undefined;
  const Label = group ? "div" : "label";
  return (
    <FieldContext
      value={{
        control: group ? undefined : id,
        label: `${id}-label`,
        description: describedBy,
        name,
        invalid: Boolean(error),
      }}
    >
      <div className="flex flex-col gap-1.5" data-field={name} data-invalid={error ? true : undefined}>
        <Label
          id={`${id}-label`}
          {...(group ? {} : { htmlFor: id })}
          className="flex items-baseline gap-2 font-medium text-ink text-sm"
        >
          {label}
          {optional && <span className="font-normal text-faint text-xs">optional</span>}
        </Label>
        {children}
        {(description || error) && (
          <div id={describedBy} className="flex flex-col gap-0.5 text-xs">
            {error && (
              <p role="alert" className="text-bad">
                {error}
              </p>
            )}
            {description && <div className="text-muted">{description}</div>}
          </div>
        )}
      </div>
    </FieldContext>
  );
}

export const CONTROL =
  "w-full rounded-lg border border-line-strong bg-surface px-3 text-base text-ink shadow-card transition-colors placeholder:text-faint hover:border-faint focus-visible:outline-offset-0 aria-invalid:border-bad disabled:opacity-60";

export function Input({ className, ...rest }: ComponentProps<"input">) {
  return <input {...useNamedControl()} {...rest} className={clsx(CONTROL, "h-8", className)} />;
}

export function Textarea({ className, ...rest }: ComponentProps<"textarea">) {
  return (
    <textarea
      rows={4}
      {...useNamedControl()}
      {...rest}
      className={clsx(CONTROL, "resize-y py-2", className)}
    />
  );
}
