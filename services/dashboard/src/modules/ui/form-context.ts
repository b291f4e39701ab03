import { createContext, useContext } from "react";

/** Form values by field name, the name that the server uses in validation errors. */
export type FormValues = (name: string) => string;
/** Error messages by field name. */
export type FieldErrors = Readonly<Record<string, string | undefined>>;

export type FormState = {
  id: string;
  pending: boolean;
  errors: FieldErrors;
  /** Server error that applies to the whole form. */
  failure: unknown;
  submit(element: HTMLFormElement): Promise<void>;
  /** Clears the field's error, which may no longer apply after an edit. */
  changed(name: string): void;
  /** Shows what is wrong with a value once its control is left. */
  left(control: EventTarget): void;
};

export const FormContext = createContext<FormState | undefined>(undefined);

/** The error message of a field in the surrounding form. */
export function useFieldError(name: string | undefined): string | undefined {
  const form = useContext(FormContext);
  return name === undefined ? undefined : form?.errors[name];
}
