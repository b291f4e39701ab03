/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { FleetError, NoAnswer } from "@fleet/sdk/browser";
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { Field, Input } from "./field.js";
import { Form, FormFailure, SubmitButton, useForm } from "./form.js";

afterEach(cleanup);

function Password({ onSubmit }: { onSubmit(values: Record<string, string>): Promise<unknown> }) {
  const form = useForm({
    submit: (values) => onSubmit({ old: values("old_password"), next: values("password") }),
    check: (values) => ({ password: values("password") === "same" ? "Choose another password." : undefined }),
  });
  return (
    <Form form={form}>
      <Field name="old_password" label="Current password">
        <Input type="password" required />
      </Field>
      <Field name="password" label="New password">
        <Input type="password" minLength={4} required />
      </Field>
      <FormFailure />
      <SubmitButton form={form}>Change</SubmitButton>
    </Form>
  );
}

const oldField = () => screen.getByLabelText<HTMLInputElement>(/Current password/);
const newField = () => screen.getByLabelText<HTMLInputElement>(/New password/);
const send = () => act(async () => fireEvent.click(screen.getByRole("button", { name: "Change" })));
const alerts = () => screen.queryAllByRole("alert").map((alert) => alert.textContent);

test("client-side validation errors are shown at each field, and nothing is sent", async () => {
  let sent = 0;
  render(<Password onSubmit={async () => sent++} />);
  fireEvent.input(newField(), { target: { value: "abc" } });
  await send();
  expect(alerts()).toEqual(["This field is required.", "Use at least 4 characters."]);
  expect(document.activeElement).toBe(oldField());
  expect(sent).toBe(0);
});

test("a server error is shown once at the focused field, without its wire name", async () => {
  const refuse = async () => {
    const detail = "The current password is not right.";
    throw new FleetError("invalid_argument", detail, { validations: [{ field: "old_password", detail }] });
  };
  render(<Password onSubmit={refuse} />);
  fireEvent.input(oldField(), { target: { value: "wrong" } });
  fireEvent.input(newField(), { target: { value: "long enough" } });
  await send();
  expect(alerts()).toEqual(["The current password is not right."]);
  expect(document.body.textContent).not.toContain("old_password");
  expect(document.activeElement).toBe(oldField());
  fireEvent.input(oldField(), { target: { value: "wrong?" } });
  expect(alerts()).toEqual([]);
});

test("an error without a field is shown for the form, without its wire name", async () => {
  const refuse = async () => {
    throw new FleetError("invalid_argument", "Invalid request.", {
      validations: [{ field: "login_type", detail: "Choose a login type." }],
    });
  };
  render(<Password onSubmit={refuse} />);
  fireEvent.input(oldField(), { target: { value: "right" } });
  fireEvent.input(newField(), { target: { value: "long enough" } });
  await send();
  expect(alerts()).toEqual(["Invalid request.Choose a login type."]);
});

test("a missing response is reported in plain words, without a URL", async () => {
  render(
    <Password
      onSubmit={async () => {
        throw new NoAnswer("unavailable", "Could not reach /api/v2/users/me/password.");
      }}
    />,
  );
  fireEvent.input(oldField(), { target: { value: "right" } });
  fireEvent.input(newField(), { target: { value: "long enough" } });
  await send();
  expect(alerts()).toEqual(["The server could not be reached. Try again."]);
});

test("a form's own check is shown at its field, and a valid form is sent with its values", async () => {
  const sent: unknown[] = [];
  render(<Password onSubmit={async (values) => sent.push(values)} />);
  fireEvent.input(oldField(), { target: { value: "right" } });
  fireEvent.input(newField(), { target: { value: "same" } });
  await send();
  expect(alerts()).toEqual(["Choose another password."]);
  fireEvent.input(newField(), { target: { value: "other" } });
  await send();
  expect(sent).toEqual([{ old: "right", next: "other" }]);
});
