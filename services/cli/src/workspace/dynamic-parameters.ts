import { FleetError } from "@fleet/base";
import type { Client, DynamicParametersResponse, FormField, NameValue } from "@fleet/sdk";
import { fieldError, formFieldOf, REQUIRED, sentenceOf } from "@fleet/sdk/browser";
import type { Context } from "../context.js";
import { askParameter } from "./parameter-prompt.js";
import { unknownParameter, type ValueSources } from "./parameters.js";

/** Maximum evaluations of one command: a person answers fewer questions, and a form that never settles ends. */
const MAX_EVALUATIONS = 1_000;

export type DynamicQuestion = ValueSources & {
  version: string;
  /** The workspace's owner, whose data the template may use. */
  ownerId: string;
};

type Values = Map<string, string>;

/**
 * Resolves a build's values if parameters depend on each other: which exist, and with which options and defaults, is
 * evaluated anew after each answer. Sources of values have the same precedence as in the classic flow. Values of
 * parameters that do not exist in the end are left out, except those of flags, which are an error.
 */
export async function resolveDynamically(context: Context, question: DynamicQuestion): Promise<NameValue[]> {
  const { given, isUpdate } = question;
  const previous: Values = new Map(question.previous?.map(({ name, value }) => [name, value]));
  const explicit: Values = new Map([
    ...given.values,
    ...(question.preset?.Parameters ?? []).map(({ Name, Value }) => [Name, Value] as const),
  ]);
  const inputs: Values = new Map([...previous, ...explicit]);
  const answered = new Set<string>();
  const settled = new Set<string>();
  const { client } = await context.session();
  const evaluate = evaluator(context, client, question);
  let fields = await evaluate(inputs);
  for (;;) {
    const wrong = fields.find((field) => answered.has(field.name) && fieldError(field));
    const next = wrong ?? fields.find(({ name }) => !settled.has(name));
    if (!next) break;
    settled.add(next.name);
    const value = wrong
      ? await askAgain(context, wrong, inputs)
      : await decide(context, next, { question, explicit, previous });
    if (value?.isAnswer) answered.add(next.name);
    if (value === undefined || value.text === inputs.get(next.name)) continue;
    if (value.text === null) inputs.delete(next.name);
    else inputs.set(next.name, value.text);
    fields = await evaluate(inputs);
  }
  for (const name of given.values.keys())
    if (!fields.some((field) => field.name === name)) throw unknownParameter(name, fields);
  requireValid(fields);
  // An update keeps the workspace's values without sending them again.
  const isKept = (name: string) => isUpdate && !answered.has(name) && inputs.get(name) === previous.get(name);
  return fields
    .filter(({ name }) => inputs.has(name) && (explicit.has(name) || !isKept(name)))
    .map(({ name }) => ({ name, value: inputs.get(name)! }));
}

/** A value for the parameter; null for none, so that the template's default applies. */
type Decision = { text: string | null; isAnswer?: boolean };

/** Decides about a parameter that has just appeared; undefined to leave it as it is. */
async function decide(
  context: Context,
  field: FormField,
  sources: { question: DynamicQuestion; explicit: Values; previous: Values },
): Promise<Decision | undefined> {
  const { question, explicit, previous } = sources;
  const { given, isUpdate, useDefaults } = question;
  const { name } = field;
  if (explicit.has(name) || field.styling.disabled) return undefined;
  const before = field.ephemeral ? undefined : previous.get(name);
  const preferred = before ?? given.defaults.get(name);
  const isMissing = field.required && preferred === undefined;
  const isWrong = before !== undefined && fieldError(field) !== undefined;
  const isAsked = field.ephemeral
    ? given.askEphemeral
    : isWrong ||
      isMissing ||
      (given.askAll && (field.mutable || !isUpdate)) ||
      (!isUpdate && before === undefined);
  const initial = isWrong ? undefined : (preferred ?? (field.required ? undefined : field.value));
  if (!isAsked || (initial !== undefined && (useDefaults || !context.interactive))) {
    // The template's own default is not sent: it may depend on other values.
    if (field.ephemeral && previous.has(name)) return { text: null };
    return preferred === undefined || field.ephemeral ? undefined : { text: preferred };
  }
  if (isWrong && !context.interactive) return undefined;
  if (isWrong) context.note(`${field.name}: ${fieldError(field)}`);
  return { text: await askParameter(context, field, initial), isAnswer: true };
}

/** Asks once more for an answer that the evaluation rejected. */
async function askAgain(context: Context, field: FormField, inputs: Values): Promise<Decision> {
  context.note(context.colors.red(`${field.display_name || field.name}: ${fieldError(field)}`));
  return { text: await askParameter(context, field, inputs.get(field.name)), isAnswer: true };
}

/** Evaluates the version's parameters for inputs; prints each warning once. Throws an error of the template. */
function evaluator(context: Context, client: Client, { version, ownerId }: DynamicQuestion) {
  const told = new Set<string>();
  let evaluations = 0;
  return async (inputs: Values): Promise<FormField[]> => {
    evaluations += 1;
    if (evaluations > MAX_EVALUATIONS)
      throw new FleetError(
        "resource_exhausted",
        `The template's parameters still change after ${MAX_EVALUATIONS} evaluations.`,
      );
    const form: DynamicParametersResponse = await client.templateVersionDynamicParametersEvaluate({
      params: { version },
      body: { id: evaluations, inputs: Object.fromEntries(inputs), owner_id: ownerId },
      signal: context.signal,
    });
    const failed = form.diagnostics.find(({ severity }) => severity === "error");
    if (failed) {
      throw new FleetError("failed_precondition", "The template's parameters could not be evaluated.", {
        detail: sentenceOf(failed),
      });
    }
    for (const warning of form.diagnostics) {
      const text = sentenceOf(warning);
      if (!told.has(text)) context.note(`${context.colors.yellow("warning:")} ${text}`);
      told.add(text);
    }
    return form.parameters.map(formFieldOf);
  };
}

/** Throws one error for all parameters with an invalid or missing value. */
function requireValid(fields: readonly FormField[]): void {
  const wrong = fields.flatMap((field) => {
    const error = field.diagnostics.find(({ severity }) => severity === "error");
    if (!error) return [];
    const missing = error.extra.code === REQUIRED;
    const detail = missing
      ? `A value is required. Pass --parameter ${field.name}=<value>.`
      : sentenceOf(error);
    return [{ field: field.name, detail }];
  });
  const [first, ...others] = wrong;
  if (!first) return;
  if (others.length === 0)
    throw new FleetError("invalid_argument", `Parameter "${first.field}": ${first.detail}`, {
      validations: wrong,
    });
  throw new FleetError("invalid_argument", "Some parameters are invalid.", { validations: wrong });
}
