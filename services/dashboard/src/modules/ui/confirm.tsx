import { type ReactNode, useState } from "react";
import { Button } from "./button.js";
import { Dialog } from "./dialog.js";
import { Field, Input } from "./field.js";
import { ErrorNotice } from "./notice.js";

export type ConfirmProps = {
  open: boolean;
  onClose(): void;
  /** Runs the act. The dialog stays, with the error, when it fails. */
  onConfirm(): Promise<unknown>;
  title: string;
  description: ReactNode;
  /** What the button says: the act itself, "Delete workspace". */
  action: string;
  danger?: boolean;
  /** Must be typed before the button works: for what cannot be undone. */
  typeToConfirm?: string;
  children?: ReactNode;
};

export function Confirm(props: ConfirmProps) {
  // A closed dialog forgets what was typed.
  return props.open ? <OpenConfirm {...props} /> : null;
}

function OpenConfirm(props: ConfirmProps) {
  const { onClose, onConfirm, title, description, action, danger, typeToConfirm, children } = props;
  const [typed, setTyped] = useState("");
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>();
  const ready = typeToConfirm === undefined || typed === typeToConfirm;

  async function run() {
    setPending(true);
    setError(undefined);
    try {
      await onConfirm();
      onClose();
    } catch (failure) {
      setError(failure);
    } finally {
      setPending(false);
    }
  }

  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      description={description}
      footer={
        <>
          <Button onClick={onClose}>Keep as it is</Button>
          <Button
            type="submit"
            form="confirm"
            look={danger ? "danger" : "primary"}
            disabled={!ready}
            pending={pending}
          >
            {action}
          </Button>
        </>
      }
    >
      <form
        id="confirm"
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready && !pending) void run();
        }}
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
        {error !== undefined && <ErrorNotice error={error} />}
      </form>
    </Dialog>
  );
}
