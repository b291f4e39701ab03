import type { ReactNode } from "react";
import { Button } from "../ui/button.js";
import { CopyLine } from "../ui/copy.js";
import { Dialog } from "../ui/dialog.js";
import { Notice } from "../ui/notice.js";

/** Shows a secret that cannot be shown again. */
export function SecretDialog(props: {
  title: string;
  secret: string;
  onClose(): void;
  /** What to do with it. */
  children?: ReactNode;
}) {
  const { title, secret, onClose, children } = props;
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      footer={
        <Button look="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <CopyLine text={secret} />
      {children && <p className="text-muted text-sm">{children}</p>}
      <Notice tone="warn">Copy it now. It is not shown again.</Notice>
    </Dialog>
  );
}
