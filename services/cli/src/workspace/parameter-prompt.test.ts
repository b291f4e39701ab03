import { VALUE_CASES } from "@fleet/parameters/cases";
import type { RichParameter } from "@fleet/sdk";
import { problemOf } from "./parameter-prompt.js";

const parameter = (changes: Partial<RichParameter>): RichParameter => ({
  name: "p",
  description: "",
  description_plaintext: "",
  type: "string",
  mutable: true,
  default_value: "",
  icon: "",
  options: [],
  required: true,
  ephemeral: false,
  ...changes,
});

test.each(VALUE_CASES.filter(({ previous }) => previous === undefined))(
  "$type: $what",
  ({ type, formType, options, validation, value, fault }) => {
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
    expect(problemOf(asked, value)).toBe(fault);
  },
);

test("a required text is not empty", () => {
  expect(problemOf(parameter({}), "")).toBe("A value is required.");
  expect(problemOf(parameter({ required: false }), "")).toBeUndefined();
});
