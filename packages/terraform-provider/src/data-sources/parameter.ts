import {
  FORM_TYPES,
  type FormType,
  formTypesFor,
  isOfType,
  type Option,
  PARAMETER_TYPES,
  type ParameterType,
  ruleFault,
  rulesFault,
  type ValidationRules,
} from "@fleet/parameters";
import { matches, patternFault } from "@fleet/parameters/re2";
import { type DataSource, type Evaluated, generatedId, type ReadContext } from "../definition.js";
import { parameterEnvName, previousParameterEnvName } from "../environment.js";
import { checkOptions, checkValueIsOption } from "../parameter/options.js";
import { oneOf } from "../rules/checks.js";
import { url } from "../rules/url.js";
import { computed, optional, required } from "../schema/block.js";
import { ConfigurationRefused, type Diagnostic, diagnosticOf, refusal } from "../schema/diagnostic.js";
import { isValues, type Value, type Values } from "../wire/value.js";

/** A value that the template asks for when a workspace is built. */
export const parameter: DataSource = {
  version: 1,
  block: {
    attributes: {
      default: optional.string(),
      description: optional.string(),
      display_name: optional.string(),
      ephemeral: optional.bool({ default: false }),
      form_type: optional.string({ check: oneOf(...FORM_TYPES) }),
      icon: optional.string({ check: url }),
      id: generatedId,
      mutable: optional.bool({ default: false }),
      name: required.string(),
      optional: computed.bool(),
      order: optional.number(),
      styling: optional.string({ default: "{}" }),
      type: optional.string({ default: "string", check: oneOf(...PARAMETER_TYPES) }),
      value: computed.string(),
    },
    blocks: {
      option: {
        nesting: "list",
        block: {
          attributes: {
            description: optional.string(),
            icon: optional.string({ check: url }),
            name: required.string(),
            value: required.string(),
          },
        },
      },
      validation: {
        nesting: "list",
        maxItems: 1,
        block: {
          attributes: {
            error: optional.string(),
            max: optional.number(),
            max_disabled: computed.bool(),
            min: optional.number(),
            min_disabled: computed.bool(),
            monotonic: optional.string(),
            regex: optional.string(),
          },
        },
      },
    },
  },
  validate: checkRegex,
  read: readParameter,
  evaluate: evaluateParameter,
};

const REGEX_PATH = ["validation", 0, "regex"];

function checkRegex({ validation }: Values): Diagnostic[] {
  const rules = Array.isArray(validation) ? validation[0] : undefined;
  if (!isValues(rules) || rules.regex === null) return [];
  return ["min", "max"]
    .filter((other) => rules[other] !== null)
    .map((other) =>
      refusal("Conflicting configuration arguments", REGEX_PATH, `"regex": conflicts with ${other}.`),
    );
}

type Asked = {
  name: string;
  type: ParameterType;
  /** The form control in the configuration. */
  form: FormType | null;
  options: readonly Option[];
  rules: ValidationRules | undefined;
  fallback: string | null;
  given: string | undefined;
  previous: string | undefined;
};

function askedBy(config: Values, { env }: ReadContext): Asked {
  const name = String(config.name);
  return {
    name,
    type: (config.type ?? "string") as ParameterType,
    form: config.form_type as FormType | null,
    options: optionsOf(config.option),
    rules: rulesOf(config.validation),
    fallback: config.default as string | null,
    given: env[parameterEnvName(name)],
    previous: env[previousParameterEnvName(name)],
  };
}

function readParameter(config: Values, context: ReadContext): Values {
  const asked = askedBy(config, context);
  checkDefinition(config, asked);
  checkValue(asked);
  checkRules(asked);
  return valuesOf(asked, context);
}

/** Every value is read: other parameters can depend on one that is not valid. */
function evaluateParameter(config: Values, context: ReadContext): Evaluated {
  const asked = askedBy(config, context);
  if (!PARAMETER_TYPES.includes(asked.type))
    return { values: valuesOf({ ...asked, type: "string" }, context), faults: [] };
  const faults: Diagnostic[] = [];
  const checks = [() => checkDefinition(config, asked)];
  if (asked.given !== undefined || asked.fallback !== null)
    checks.push(() => {
      checkValue(asked);
      checkRules(asked);
    });
  for (const check of checks) {
    try {
      check();
    } catch (error) {
      if (!(error instanceof ConfigurationRefused)) throw error;
      faults.push(diagnosticOf(error));
    }
  }
  return { values: valuesOf(asked, context), faults };
}

function valuesOf({ type, form, options, rules, fallback, given }: Asked, { newId }: ReadContext): Values {
  const fitting = formTypesFor(type, options.length > 0);
  return {
    id: newId(),
    form_type: form && fitting.includes(form) ? form : fitting[0]!,
    optional: fallback !== null,
    validation: rules ? [shownRules(rules)] : [],
    value: given ?? fallback ?? "",
  };
}

function checkDefinition(config: Values, { type, form, options }: Asked): void {
  checkFlags(config);
  checkOptions(options, type, chooseFormType(form, type, options.length > 0));
}

/** Where a fault of the value is shown: at the default, if that is what is used. */
function placeOf({ given, fallback }: Asked): string[] {
  return given === undefined && fallback !== null ? ["default"] : [];
}

function checkValue(asked: Asked): void {
  const { type, form, options, fallback, given } = asked;
  const value = given ?? fallback ?? "";
  // An import has no values yet: a parameter without a default is then null, whatever its type.
  if (value === "" && given === undefined) return;
  checkType(type, value);
  if (options.length > 0)
    checkValueIsOption(options, type, chooseFormType(form, type, true), value, placeOf(asked));
}

function checkRules(asked: Asked): void {
  const { name, type, rules, fallback, given, previous } = asked;
  // As upstream, when the value is read and not before: terraform then reports the other parameters' faults too.
  const broken = rules?.regex ? patternFault(rules.regex) : undefined;
  if (broken)
    throw new ConfigurationRefused("Invalid parameter pattern", { detail: broken, path: REGEX_PATH });
  const fault = rules && faultOf(rules, type, given ?? fallback ?? "", previous);
  if (fault)
    throw new ConfigurationRefused(`Invalid value for parameter "${name}"`, {
      detail: fault,
      path: placeOf(asked),
    });
}

/** What is wrong with the rules, or with the value by them. A number with a `validation` block is a whole one. */
function faultOf(
  rules: ValidationRules,
  type: ParameterType,
  value: string,
  previous: string | undefined,
): string | undefined {
  const misplaced = rulesFault(rules, type);
  if (misplaced) return misplaced;
  const fault = ruleFault(rules, type, value, previous, matches);
  return fault && `${fault} (The value is "${value}".)`;
}

function checkFlags({ mutable, ephemeral, default: fallback }: Values): void {
  if (ephemeral !== true) return;
  if (mutable !== true) {
    throw new ConfigurationRefused(`Ephemeral parameters must be mutable. Set "mutable = true".`, {
      path: ["ephemeral"],
    });
  }
  if (fallback === null) {
    throw new ConfigurationRefused(`Ephemeral parameters must have a "default".`, {
      path: ["ephemeral"],
    });
  }
}

function chooseFormType(asked: FormType | null, type: ParameterType, hasOptions: boolean): FormType {
  const fitting = formTypesFor(type, hasOptions);
  if (!asked) return fitting[0]!;
  if (fitting.includes(asked)) return asked;
  throw new ConfigurationRefused(`Invalid form type "${asked}"`, {
    detail: `A ${type} with${hasOptions ? "" : "out"} options can be ${fitting.map((form) => `"${form}"`).join(" or ")}.`,
    path: ["form_type"],
  });
}

function checkType(type: ParameterType, value: string): void {
  if (isOfType(type, value)) return;
  const detail =
    type === "list(string)" ? `"${value}" is not a JSON array of strings.` : `"${value}" is not a ${type}.`;
  throw new ConfigurationRefused(`Value does not match the parameter's type "${type}"`, { detail });
}

function optionsOf(blocks: Value | undefined): Option[] {
  return (Array.isArray(blocks) ? blocks : []).filter(isValues).map(({ name, value }) => ({
    name: String(name),
    value: String(value),
  }));
}

function rulesOf(blocks: Value | undefined): ValidationRules | undefined {
  const block = Array.isArray(blocks) ? blocks[0] : undefined;
  if (!isValues(block)) return undefined;
  const whole = (value: Value | undefined) =>
    value === null || value === undefined ? null : BigInt(value as number);
  const text = (value: Value | undefined) => (typeof value === "string" ? value : "");
  return {
    min: whole(block.min),
    max: whole(block.max),
    monotonic: text(block.monotonic),
    regex: text(block.regex),
    error: text(block.error),
  };
}

/** An unset bound reads back as 0, distinguished from a real 0 by its `_disabled` member. */
function shownRules({ min, max, monotonic, regex, error }: ValidationRules): Values {
  return {
    error,
    max: Number(max ?? 0),
    max_disabled: max === null,
    min: Number(min ?? 0),
    min_disabled: min === null,
    monotonic,
    regex,
  };
}
