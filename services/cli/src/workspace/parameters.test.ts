import type { RichParameter } from "@fleet/sdk";
import { problemOf } from "./parameters.js";

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
const option = (value: string) => ({ name: value, description: "", value, icon: "" });

test.each<[Partial<RichParameter>, string, string | undefined]>([
  [{}, "anything", undefined],
  [{}, "", "it has to have a value."],
  [{ required: false }, "", undefined],
  [{ options: [option("eu"), option("us")] }, "eu", undefined],
  [{ options: [option("eu"), option("us")] }, "ap", "it has to be one of eu, us."],
  [{ type: "bool" }, "yes", "it has to be true or false."],
  [{ type: "number", validation_min: 1, validation_max: 8 }, "8", undefined],
  [{ type: "number", validation_min: 1 }, "0", "it has to be 1 or more."],
  [{ type: "number", validation_max: 8, validation_error: "{value} is above {max}." }, "9", "9 is above 8."],
  [{ type: "number" }, "many", "it has to be a number."],
  [{ type: "list(string)" }, '["a"]', undefined],
  [{ type: "list(string)" }, "a,b", 'it has to be a JSON list, like ["a","b"].'],
])("%j with %j", (changes, value, problem) => {
  expect(problemOf(parameter(changes), value)).toBe(problem);
});
