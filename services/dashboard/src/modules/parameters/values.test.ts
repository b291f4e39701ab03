import { VALUE_CASES } from "@fleet/parameters/cases";
import { matches } from "@fleet/parameters/re2";
import type { RichParameter } from "@fleet/sdk";
import { formTypeOf, initialValues, validate } from "./values.js";

function parameter(fields: Partial<RichParameter>): RichParameter {
  return {
    name: "p",
    description: "",
    description_plaintext: "",
    type: "string",
    mutable: true,
    default_value: "",
    icon: "",
    options: [],
    required: false,
    ephemeral: false,
    ...fields,
  };
}
const options = ["a", "b"].map((value) => ({ name: value.toUpperCase(), value, description: "", icon: "" }));

test("the control follows the template's form type, or the type and options", () => {
  expect(formTypeOf(parameter({}))).toBe("input");
  expect(formTypeOf(parameter({ options }))).toBe("radio");
  expect(formTypeOf(parameter({ type: "bool" }))).toBe("checkbox");
  expect(formTypeOf(parameter({ type: "list(string)" }))).toBe("tag-select");
  expect(formTypeOf(parameter({ options, form_type: "dropdown" }))).toBe("dropdown");
  expect(formTypeOf(parameter({ form_type: "hologram" }))).toBe("input");
  const slider = { type: "number", form_type: "slider", validation_min: 1 } as const;
  expect(formTypeOf(parameter(slider))).toBe("input");
  expect(formTypeOf(parameter({ ...slider, validation_max: 9 }))).toBe("slider");
});

test("an empty value is rejected only if required", () => {
  expect(validate(parameter({}), "")).toBeUndefined();
  expect(validate(parameter({ required: true }), "")).toBe("A value is required.");
  expect(validate(parameter({ required: true, type: "list(string)" }), "[]")).toBe("A value is required.");
});

test.each(VALUE_CASES)("$type: $what", ({ type, formType, options, validation, value, previous, fault }) => {
  const { min, max, monotonic, regex, error } = validation;
  const asked = parameter({
    type,
    form_type: formType as RichParameter["form_type"],
    options: options.map((option) => ({ description: "", icon: "", ...option })),
    validation_min: min === null ? undefined : Number(min),
    validation_max: max === null ? undefined : Number(max),
    validation_monotonic: (monotonic || undefined) as RichParameter["validation_monotonic"],
    validation_regex: regex,
    validation_error: error,
  });
  expect(validate(asked, value, previous, matches)).toBe(fault);
});

test("a pattern is left to the server until its engine is loaded", () => {
  expect(validate(parameter({ validation_regex: "^[a-z]+$" }), "A")).toBeUndefined();
});

test("a form starts with known values, and ephemeral parameters with their default", () => {
  const parameters = [
    parameter({ name: "kept", default_value: "d" }),
    parameter({ name: "fresh", default_value: "d" }),
    parameter({ name: "once", default_value: "d", ephemeral: true }),
  ];
  const known = [
    { name: "kept", value: "k" },
    { name: "once", value: "k" },
  ];
  expect(initialValues(parameters, known)).toEqual({ kept: "k", fresh: "d", once: "d" });
});
