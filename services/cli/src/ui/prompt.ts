import { FleetError } from "@fleet/base";
import type { Context } from "../context.js";

/** Loaded on demand: most commands never prompt. */
const prompts = () => import("@inquirer/prompts");

export type Choice = { value: string; name: string; description?: string };

/** Streams of a prompt: questions go to standard error, so that scripts can read the result. */
function over(context: Context) {
  return {
    input: context.io.stdin,
    output: context.io.stderr,
    clearPromptOnDone: false,
    signal: context.signal,
  };
}

/** Throws if prompts are impossible; `flag` names the alternative. */
function requirePerson(context: Context, what: string, flag: string): void {
  if (context.interactive) return;
  const asked = what.includes("?") ? `"${what}" needs an answer` : `${what} is required`;
  throw new FleetError("invalid_argument", `${asked}, but there is no terminal to prompt on. Pass ${flag}.`);
}

export async function askText(
  context: Context,
  question: { message: string; flag: string; initial?: string; validate?(text: string): true | string },
): Promise<string> {
  requirePerson(context, question.message, question.flag);
  const { input } = await prompts();
  return input(
    { message: question.message, default: question.initial, validate: question.validate },
    over(context),
  );
}

/** Asks without showing what is typed. An empty answer means `initial`, which is not shown either. */
export async function askSecret(
  context: Context,
  message: string,
  flag: string,
  { initial = "", validate }: { initial?: string | undefined; validate?(text: string): true | string } = {},
): Promise<string> {
  requirePerson(context, message, flag);
  const { password } = await prompts();
  const check = (text: string) => validate?.(text || initial) ?? true;
  return (await password({ message, mask: "*", validate: check }, over(context))) || initial;
}

/** Any number of the choices, in their order. */
export async function askMany(
  context: Context,
  question: { message: string; flag: string; choices: readonly Choice[]; initial: readonly string[] },
): Promise<string[]> {
  requirePerson(context, question.message, question.flag);
  const { checkbox } = await prompts();
  const choices = question.choices.map((choice) => ({
    ...choice,
    checked: question.initial.includes(choice.value),
  }));
  return checkbox({ message: question.message, choices }, over(context));
}

export async function askChoice(
  context: Context,
  question: { message: string; flag: string; choices: readonly Choice[]; initial?: string },
): Promise<string> {
  requirePerson(context, question.message, question.flag);
  const LONG = 12;
  const { message, choices } = question;
  const { search, select } = await prompts();
  if (choices.length <= LONG) {
    return select({ message, choices, default: question.initial }, over(context));
  }
  const source = (term: string | undefined) =>
    choices.filter((choice) => choice.name.toLowerCase().includes((term ?? "").toLowerCase()));
  return search({ message, source }, over(context));
}

/** True if the user confirms, or `--yes` was given. */
export async function askConsent(context: Context, message: string, yes: boolean | undefined): Promise<void> {
  if (yes) return;
  requirePerson(context, message, "--yes");
  const { confirm } = await prompts();
  const agreed = await confirm({ message, default: true }, over(context));
  if (!agreed) throw new FleetError("canceled", "Canceled. Nothing was changed.");
}
