import {
  type Bound,
  PARAMETER_TYPES,
  type ParameterRules,
  type ParameterType,
  rulesFault,
  type ValidationRules,
  valueFault,
} from "@fleet/parameters";
import { matches, patternFault } from "@fleet/parameters/re2";
import { attributeOf, DYNAMIC, type HclBody, type Literal, literalOf } from "@fleet/provisionersdk/hcl";
import { declared, type Located } from "../module.js";
import type { Rule } from "./rule.js";

type Known = Exclude<Literal, null>;

/** An attribute's literal; undefined if it is omitted or null, DYNAMIC if only Terraform can tell. */
function literal(body: HclBody, name: string): Known | undefined | typeof DYNAMIC {
  const attribute = attributeOf(body, name);
  const value = attribute ? literalOf(attribute.tokens) : null;
  return value === null ? undefined : value;
}

function text(body: HclBody, name: string): string {
  const value = literal(body, name);
  return typeof value === "string" ? value : "";
}

function bound(body: HclBody | undefined, name: string): Bound | null {
  const value = body && literal(body, name);
  return typeof value === "number" ? value : null;
}

function typeOf({ block }: Located): ParameterType | undefined {
  const type = text(block.body, "type") || "string";
  return PARAMETER_TYPES.find((known) => known === type);
}

function validationOf(body: HclBody): ValidationRules {
  const rules = body.blocks.find(({ type }) => type === "validation")?.body;
  return {
    min: bound(rules, "min"),
    max: bound(rules, "max"),
    monotonic: rules ? text(rules, "monotonic") : "",
    regex: rules ? text(rules, "regex") : "",
    error: rules ? text(rules, "error") : "",
  };
}

/** Options that Terraform computes cannot be checked: then there are none here. */
function optionsOf(body: HclBody): ParameterRules["options"] {
  const options = body.blocks.filter(({ type }) => type === "option").map(({ body }) => body);
  if (body.blocks.some(({ type }) => type === "dynamic")) return [];
  const known = options.flatMap((option) => {
    const value = literal(option, "value");
    return typeof value === "string" ? [{ name: text(option, "name") || value, value }] : [];
  });
  return known.length === options.length ? known : [];
}

function faultOf(parameter: Located): string | undefined {
  const { body } = parameter.block;
  const type = typeOf(parameter);
  if (!type)
    return `"${text(body, "type")}" is not a valid type. Valid values: ${PARAMETER_TYPES.join(", ")}.`;
  const validation = validationOf(body);
  const fault =
    rulesFault(validation, type) ?? (validation.regex ? patternFault(validation.regex) : undefined);
  if (fault) return fault;
  const { min, max } = validation;
  if (min !== null && max !== null && min > max)
    return `The minimum ${min} is greater than the maximum ${max}.`;
  const value = literal(body, "default");
  if (value === undefined || value === DYNAMIC) return undefined;
  const rules = { type, formType: text(body, "form_type"), options: optionsOf(body), validation };
  const given = typeof value === "object" ? JSON.stringify(value) : String(value);
  // An empty default stands for none.
  const invalid = given === "" ? undefined : valueFault(rules, given, { matches });
  return invalid && `The default ${JSON.stringify(given)} is not a valid value. ${invalid}`;
}

export const parameterRules: readonly Rule[] = [
  {
    name: "parameter-rules",
    severity: "error",
    about: "A parameter whose default breaks its own rules, or whose rules contradict each other",
    check(module) {
      return declared(module, "data", "coder_parameter").flatMap((parameter) => {
        const fault = faultOf(parameter);
        if (!fault) return [];
        const { file, block } = parameter;
        return {
          file,
          line: block.line,
          message: `Parameter "${text(block.body, "name") || block.labels[1]}": ${fault}`,
        };
      });
    },
  },
  {
    name: "ephemeral-default",
    severity: "error",
    about: "An ephemeral parameter that is immutable or has no default",
    check(module) {
      return declared(module, "data", "coder_parameter")
        .filter(({ block }) => literal(block.body, "ephemeral") === true)
        .flatMap(({ file, block }) => {
          const name = text(block.body, "name") || block.labels[1];
          if (!attributeOf(block.body, "default"))
            return {
              file,
              line: block.line,
              message: `Parameter "${name}" is ephemeral but has no default: scheduled starts would have no value. Add a default.`,
            };
          const mutable = literal(block.body, "mutable");
          if (mutable === true || mutable === DYNAMIC) return [];
          return {
            file,
            line: block.line,
            message: `Parameter "${name}" is ephemeral but not mutable, so it could never be set again. Add mutable = true.`,
          };
        });
    },
  },
];
