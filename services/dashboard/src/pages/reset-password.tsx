import { useState } from "react";
import { Link } from "react-router";
import { client } from "../api/client.js";
import { Gate } from "../modules/shell/gate.js";
import { Field, Input } from "../modules/ui/field.js";
import { Form, FormFailure, SubmitButton, useForm } from "../modules/ui/form.js";
import { useTitle } from "../modules/ui/page.js";

/** Sends a link to set a new password. */
export function ResetPasswordPage() {
  useTitle("Reset your password");
  const [sentTo, setSentTo] = useState<string>();
  const form = useForm({
    async submit(values) {
      await client.passwordResetRequest({ body: { email: values("email") } });
      setSentTo(values("email"));
    },
  });
  const back = <Link to="/login">Back to sign in</Link>;
  if (sentTo !== undefined) {
    return (
      <Gate title="Check your email" foot={back}>
        <p>
          If an account with the email address {sentTo} signs in with a password, a link to set a new one is
          on its way. It works for 20 minutes.
        </p>
      </Gate>
    );
  }
  return (
    <Gate
      title="Reset your password"
      lead="Enter the email address of your account. You will get a link to set a new password."
      foot={back}
    >
      <Form form={form}>
        <Field name="email" label="Email">
          <Input type="email" required autoFocus autoComplete="username" />
        </Field>
        <FormFailure />
        <SubmitButton form={form}>Send link</SubmitButton>
      </Form>
    </Gate>
  );
}
