import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import { client } from "../api/client.js";
import { Gate } from "../modules/shell/gate.js";
import { Button } from "../modules/ui/button.js";
import { Field, Input } from "../modules/ui/field.js";
import { Form, FormFailure, SubmitButton, useForm } from "../modules/ui/form.js";
import { useTitle } from "../modules/ui/page.js";

/** Sets a new password with the passcode in the link of an email. */
export function ChangePasswordPage() {
  useTitle("Set a new password");
  const [search] = useSearchParams();
  const [changed, setChanged] = useState(false);
  const email = search.get("email") ?? "";
  const form = useForm({
    check: (values) =>
      values("password") === values("confirmation") ? {} : { confirmation: "The passwords do not match." },
    async submit(values) {
      await client.passwordReset({
        body: { email, password: values("password"), one_time_passcode: search.get("otp") ?? "" },
      });
      setChanged(true);
    },
  });
  if (changed) {
    return (
      <Gate title="Your password was changed" lead="All of your sessions have ended.">
        <Button asChild look="primary">
          <Link to="/login">Sign in</Link>
        </Button>
      </Gate>
    );
  }
  return (
    <Gate
      title="Set a new password"
      lead={email}
      foot={<Link to="/reset-password">Request another link</Link>}
    >
      <Form form={form}>
        <Field name="password" label="New password">
          <Input type="password" required minLength={8} autoFocus autoComplete="new-password" />
        </Field>
        <Field name="confirmation" label="Repeat the password">
          <Input type="password" required autoComplete="new-password" />
        </Field>
        <FormFailure />
        <SubmitButton form={form}>Set password</SubmitButton>
      </Form>
    </Gate>
  );
}
