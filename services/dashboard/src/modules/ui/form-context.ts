import { createContext, useContext } from "react";

/** What the form holds, by the field's name: the same name under which the server refuses it. */
export type FormValues = (name: string) => string;
/** One sentence for each field that is wrong. */
export type FieldErrors = Readonly<Record<string, string | undefined>>;

export type FormState = {
  id: string;
  pending: boolean;
  errors: FieldErrors;
  /** What the server refused beyond the fields; undefined for nothing. */
  failure: unknown;
  submit(element: HTMLFormElement): Promise<void>;
  /** The field was changed: what was said of it may be wrong now. */
  changed(name: string): void;
};

export const FormContext = createContext<FormState | undefined>(undefined);

/** The sentence for a field of the form around it. */
export function useFieldError(name: string | undefined): string | undefined {
  const form = useContext(FormContext);
  return name === undefined ? undefined : form?.errors[name];
}
