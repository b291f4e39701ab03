import { type ReactNode, useState } from "react";
import { Field, Input } from "./field.js";
import { FormDialog, useForm } from "./form.js";

export type ConfirmProps = {
  open: boolean;
  onClose(): void;
  /** Runs the action. If it fails, the dialog stays open and shows the error. */
  onConfirm(): Promise<unknown>;
  title: string;
  description: ReactNode;
  /** Label of the button, for example "Delete workspace". */
  action: string;
  /** Label of the other button; "Cancel" unless the action itself cancels something. */
  cancel?: string;
  danger?: boolean;
  /** Must be typed to enable the button, for irreversible actions. */
  typeToConfirm?: string;
  children?: ReactNode;
};

export function Confirm(props: ConfirmProps) {
  // Clear the typed text when the dialog closes.
  return props.open ? <OpenConfirm {...props} /> : null;
}

function OpenConfirm(props: ConfirmProps) {
  const { onClose, onConfirm, typeToConfirm, children, open: _, ...dialog } = props;
  const [typed, setTyped] = useState("");
  const form = useForm({
    async submit() {
      await onConfirm();
      onClose();
    },
  });
  return (
    <FormDialog
      {...dialog}
      form={form}
      onClose={onClose}
      disabled={typeToConfirm !== undefined && typed !== typeToConfirm}
    >
      {children}
      {typeToConfirm !== undefined && (
        <Field
          label={
            <span>
              Type <code className="rounded bg-sunken px-1 font-mono">{typeToConfirm}</code> to confirm
            </span>
          }
        >
          <Input
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            autoFocus
            autoComplete="off"
          />
        </Field>
      )}
    </FormDialog>
  );
}
