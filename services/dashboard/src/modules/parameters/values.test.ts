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

test("a control follows the template, or the type and options where it says nothing", () => {
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

test("an empty value is refused only where one is required", () => {
  expect(validate(parameter({}), "")).toBeUndefined();
  expect(validate(parameter({ required: true }), "")).toBe("A value is needed.");
  expect(validate(parameter({ required: true, type: "list(string)" }), "[]")).toBe("A value is needed.");
});

test("numbers keep to their bounds, and say what the template says", () => {
  const bounded = parameter({ type: "number", validation_min: 2, validation_max: 8 });
  expect(validate(bounded, "2")).toBeUndefined();
  expect(validate(bounded, "8")).toBeUndefined();
  expect(validate(bounded, "1")).toBe("The least is 2.");
  expect(validate(bounded, "9")).toBe("The most is 8.");
  expect(validate(bounded, "many")).toBe("This is not a number.");
  expect(validate({ ...bounded, validation_error: "{value} is not in {min}–{max}" }, "9")).toBe(
    "9 is not in 2–8",
  );
});

test("a monotonic number moves one way only", () => {
  const growing = parameter({ type: "number", validation_monotonic: "increasing" });
  expect(validate(growing, "5", "4")).toBeUndefined();
  expect(validate(growing, "4", "4")).toBeUndefined();
  expect(validate(growing, "3", "4")).toBe("It can only grow: it is 4.");
  expect(validate(growing, "3")).toBeUndefined();
  expect(validate({ ...growing, validation_monotonic: "decreasing" }, "5", "4")).toBe(
    "It can only shrink: it is 4.",
  );
});

test("only options can be chosen, each item of a list by itself", () => {
  expect(validate(parameter({ options }), "b")).toBeUndefined();
  expect(validate(parameter({ options }), "c")).toBe("Choose one of the options.");
  const many = parameter({ options, type: "list(string)", form_type: "multi-select" });
  expect(validate(many, '["a","b"]')).toBeUndefined();
  expect(validate(many, '["a","c"]')).toBe("Choose one of the options.");
});

test("a pattern that the browser cannot read is left to the server", () => {
  expect(validate(parameter({ validation_regex: "^[a-z]+$" }), "A")).toBe("It has to match ^[a-z]+$.");
  expect(validate(parameter({ validation_regex: "^[a-z]+$", validation_error: "Lower case." }), "A")).toBe(
    "Lower case.",
  );
  expect(validate(parameter({ validation_regex: "(?i)^a" }), "A")).toBeUndefined();
  expect(validate(parameter({ validation_regex: "(" }), "A")).toBeUndefined();
});

test("a form begins with what is known, and one-time parameters with their default", () => {
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
