import type { User } from "@fleet/sdk";
import { client } from "../../api/client.js";
import { FormDialog, useForm } from "../ui/form.js";
import { useToasts } from "../ui/toast.js";
import { NewPassword } from "./new-password.js";

/** Sets another user's password. */
export function ResetPassword({ user, onClose }: { user: User; onClose(): void }) {
  const toasts = useToasts();
  const form = useForm({
    async submit(values) {
      await client.userPasswordUpdate({
        params: { user: user.id },
        body: { password: values("password") },
      });
      toasts.done(`Password of ${user.username} changed.`);
      onClose();
    },
  });
  return (
    <FormDialog
      form={form}
      onClose={onClose}
      title={`Reset the password of ${user.username}`}
      description="Signs the user out everywhere. Share the new password over a secure channel."
      action="Reset password"
    >
      <NewPassword label="New password" />
    </FormDialog>
  );
}
