import { FleetError } from "@fleet/sdk/browser";
import { type FormEvent, type ReactNode, useContext, useEffect, useId, useRef, useState } from "react";
import { Button, type ButtonProps } from "./button.js";
import { Dialog, type DialogProps } from "./dialog.js";
import { type FieldErrors, FormContext, type FormState, type FormValues } from "./form-context.js";
import { ErrorNotice } from "./notice.js";

/**
 * A form that shows each error once, at its field: client-side validation before submitting, and the server's errors
 * after. Errors without a field are shown for the whole form.
 */
export function useForm(options: {
  submit(values: FormValues): Promise<unknown>;
  /** Checks beyond the controls' own rules (required, pattern, minLength …). */
  check?(values: FormValues): FieldErrors;
}): FormState {
  const id = useId();
  const [pending, setPending] = useState(false);
  const [errors, setErrors] = useState<FieldErrors>({});
  const [failure, setFailure] = useState<unknown>();

  return {
    id,
    pending,
    errors,
    failure,
    async submit(element) {
      if (pending) return;
      const data = new FormData(element);
      const values: FormValues = (name) => String(data.get(name) ?? "");
      const wrong = { ...withoutEmpty(brokenRules(element)), ...withoutEmpty(options.check?.(values) ?? {}) };
      setErrors(wrong);
      setFailure(undefined);
      if (Object.keys(wrong).length > 0) return;
      setPending(true);
      try {
        await options.submit(values);
      } catch (error) {
        const { atFields, rest } = divide(error, fieldNames(element));
        setErrors(atFields);
        setFailure(rest);
      } finally {
        setPending(false);
      }
    },
    changed(name) {
      if (errors[name] !== undefined) setErrors(({ [name]: _, ...others }) => others);
    },
    left(control) {
      if (!isControl(control) || control.name === "" || control.value === "") return;
      const wrong = brokenRule(control);
      if (wrong) setErrors((before) => ({ ...before, [control.name]: wrong }));
    },
  };
}

export function Form(props: { form: FormState; className?: string; children: ReactNode }) {
  const { form } = props;
  const element = useRef<HTMLFormElement>(null);
  // After submitting, focus the first invalid field.
  const sent = useRef(false);
  useEffect(() => {
    if (!sent.current || form.pending) return;
    sent.current = false;
    const first = element.current?.querySelector<HTMLElement>(
      "[aria-invalid=true], [data-invalid=true] button",
    );
    first?.focus();
  }, [form.errors, form.pending]);
  return (
    <FormContext value={form}>
      <form
        ref={element}
        id={form.id}
        noValidate
        className={props.className ?? "flex flex-col gap-4"}
        onBlur={({ target }) => form.left(target)}
        onInput={({ target }) => form.changed((target as HTMLInputElement).name)}
        onSubmit={(event: FormEvent<HTMLFormElement>) => {
          event.preventDefault();
          // In React, a dialog's form events bubble to the page's form.
          event.stopPropagation();
          sent.current = true;
          void form.submit(event.currentTarget);
        }}
      >
        {props.children}
      </form>
    </FormContext>
  );
}

/** The server error that applies to the whole form. */
export function FormFailure() {
  const form = useContext(FormContext);
  return form?.failure === undefined ? null : <ErrorNotice error={form.failure} />;
}

export function SubmitButton({ form, ...rest }: Omit<ButtonProps, "form"> & { form: FormState }) {
  return <Button look="primary" {...rest} type="submit" form={form.id} pending={form.pending} />;
}

export type FormDialogProps = Pick<DialogProps, "onClose" | "title" | "description" | "wide"> & {
  form: FormState;
  /** Label of the button, for example "Create token". */
  action: string;
  cancel?: string;
  danger?: boolean;
  disabled?: boolean;
  children?: ReactNode;
};

/** A dialog with a form: fields, error and two buttons. It stays open until submitting succeeds. */
export function FormDialog(props: FormDialogProps) {
  const { form, action, cancel = "Cancel", danger, disabled, children, ...dialog } = props;
  return (
    <Dialog
      {...dialog}
      open
      footer={
        <>
          <Button onClick={dialog.onClose}>{cancel}</Button>
          <SubmitButton form={form} look={danger ? "danger" : "primary"} disabled={disabled}>
            {action}
          </SubmitButton>
        </>
      }
    >
      <Form form={form}>
        {children}
        <FormFailure />
      </Form>
    </Dialog>
  );
}

type Control = HTMLInputElement | HTMLTextAreaElement;

const isControl = (element: EventTarget): element is Control =>
  element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement;

function controlsOf(form: HTMLFormElement): Control[] {
  return [...form.elements].filter(isControl);
}

/** Names of the fields in the form. */
function fieldNames(form: HTMLFormElement): Set<string> {
  const fields = [...form.querySelectorAll<HTMLElement>("[data-field]")];
  return new Set(fields.map((field) => field.dataset.field!));
}

function brokenRules(form: HTMLFormElement): FieldErrors {
  const named = controlsOf(form).filter(({ name }) => name !== "");
  return Object.fromEntries(named.map((control) => [control.name, brokenRule(control)]));
}

/** The control's native validation error as a sentence; undefined if it is valid. */
function brokenRule(control: Control): string | undefined {
  const { validity, value } = control;
  if (validity.valueMissing) return "This field is required.";
  if (validity.badInput) return "Enter a number.";
  if (validity.typeMismatch)
    return control.type === "email" ? "Enter a valid email address." : "Enter a valid value.";
  // The browser checks length only after the user has edited the value.
  const least = Number(control.getAttribute("minlength"));
  if (value !== "" && value.length < least) return `Use at least ${least} characters.`;
  if (validity.patternMismatch) return control.title ? `${control.title}.` : "Enter a valid value.";
  if (control instanceof HTMLInputElement) {
    if (validity.rangeUnderflow) return `Must be at least ${control.min}.`;
    if (validity.rangeOverflow) return `Must be at most ${control.max}.`;
  }
  return undefined;
}

function withoutEmpty(errors: FieldErrors): FieldErrors {
  return Object.fromEntries(Object.entries(errors).filter(([, sentence]) => sentence !== undefined));
}

/** Splits an error into messages for the form's fields and the rest; no rest if the fields cover it. */
function divide(error: unknown, fields: ReadonlySet<string>): { atFields: FieldErrors; rest: unknown } {
  if (!(error instanceof FleetError)) return { atFields: {}, rest: error };
  const atFields = error.validations.filter(({ field }) => fields.has(field));
  const others = error.validations.filter(({ field }) => !fields.has(field));
  const { code, message, detail } = error;
  return {
    atFields: Object.fromEntries(atFields.map(({ field, detail }) => [field, detail])),
    rest:
      atFields.length === 0
        ? error
        : others.length > 0
          ? new FleetError(code, message, { ...(detail ? { detail } : {}), validations: others })
          : undefined,
  };
}
