/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import type { DynamicParameter } from "@fleet/sdk";
import { formFieldOf } from "@fleet/sdk/browser";
import { cleanup, render, screen } from "@testing-library/react";
import { evaluated } from "../../testing/dynamic.js";
import { ParameterFields } from "./fields.js";

afterEach(cleanup);

function show(parameter: DynamicParameter, errors: Record<string, string> = {}): void {
  const field = formFieldOf(parameter);
  render(
    <ParameterFields
      form={{
        parameters: [field],
        values: { [field.name]: field.value ?? "" },
        set() {},
        merge() {},
        isTouched: () => false,
        check: () => errors,
        errors,
        ready: async () => [],
      }}
    />,
  );
}

const RULE = { validation_error: "", validation_min: 1, validation_max: 8 };

test.each<[string, Parameters<typeof evaluated>[2], string, string]>([
  ["radio", { options: ["a", "b"], fallback: "a" }, "radio", "a"],
  ["dropdown", { options: ["a", "b"], fallback: "a" }, "combobox", "p"],
  ["multi-select", { type: "list(string)", options: ["a", "b"], fallback: '["a"]' }, "checkbox", "a"],
  ["tag-select", { type: "list(string)", fallback: '["a"]' }, "textbox", "p"],
  ["slider", { type: "number", validations: [RULE], fallback: "2" }, "slider", "p"],
  ["checkbox", { type: "bool", fallback: "true", styling: { label: "Enable it" } }, "checkbox", "Enable it"],
  ["switch", { type: "bool", fallback: "true", styling: { label: "Enable it" } }, "switch", "Enable it"],
  ["textarea", { fallback: "a" }, "textbox", "p"],
  ["input", { fallback: "a" }, "textbox", "p"],
])("the form type %s has its control", (form_type, changes, role, name) => {
  show(evaluated("p", undefined, { ...changes, form_type }));
  expect(screen.getAllByRole(role)[0]).toBeDefined();
  expect(screen.queryAllByLabelText(new RegExp(name)).length).toBeGreaterThan(0);
});

test("styling sets the placeholder, masks and disables", () => {
  show(
    evaluated("p", undefined, {
      fallback: "",
      styling: { placeholder: "For example x", mask_input: true, disabled: true },
    }),
  );
  expect(screen.getByPlaceholderText("For example x")).toMatchObject({ type: "password", disabled: true });
  screen.getByText("The template does not allow changing this value.");
});

test("warnings and errors are at the field, and a broken parameter has no control", () => {
  const warning = { severity: "warning" as const, summary: "Slow", detail: "in May", extra: { code: "" } };
  show(evaluated("p", "x", { form_type: "error", diagnostics: [warning] }), { p: "Broken." });
  screen.getByText("Slow: in May");
  expect(screen.getByRole("alert").textContent).toBe("Broken.");
  expect(screen.queryByRole("textbox")).toBeNull();
});
