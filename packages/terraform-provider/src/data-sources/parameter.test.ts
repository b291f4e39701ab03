import { VALUE_CASES } from "@fleet/parameters/cases";
import { parameterEnvName, previousParameterEnvName } from "../environment.js";
import { read } from "../testing/ask.js";

test.each(VALUE_CASES)("$type: $what", async ({ type, formType, options, validation, ...of }) => {
  const { min, max, monotonic, regex, error } = validation;
  const ruled = min !== null || max !== null || monotonic || regex;
  const config = {
    name: "p",
    type,
    form_type: formType || null,
    option: [...options],
    validation: ruled
      ? [{ min, max, monotonic: monotonic || null, regex: regex || null, error: error || null }]
      : [],
  };
  const env = {
    [parameterEnvName("p")]: of.value,
    ...(of.previous === undefined ? {} : { [previousParameterEnvName("p")]: of.previous }),
  };
  const { errors } = await read("coder_parameter", config, env);
  expect({ errors, refused: errors.length > 0 }).toMatchObject({ refused: of.fault !== undefined });
  // Rule errors use the form's wording; type and options use terraform's.
  if (of.fault && ruled) expect(errors[0]!.detail).toContain(of.fault);
});

test("a pattern that does not compile is rejected at its position", async () => {
  const validation = [{ regex: "^[a-z", error: "e", min: null, max: null, monotonic: null }];
  const { errors } = await read("coder_parameter", { name: "p", validation });
  expect(errors).toEqual([
    {
      summary: "Invalid parameter pattern",
      detail: "The pattern ^[a-z is invalid: missing closing ] at character 2: [a-z.",
      path: "validation.0.regex",
    },
  ]);
});
