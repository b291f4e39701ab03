import { parseList, rulesOfWire, valueFault } from "@fleet/parameters";
import { matches } from "@fleet/parameters/re2";
import type { RichParameter } from "@fleet/sdk";
import type { Context } from "../context.js";
import { askChoice, askMany, askSecret, askText } from "../ui/prompt.js";

/** What an evaluated parameter adds: how it is shown. */
type Styling = { placeholder?: string | undefined; mask_input?: boolean | undefined };

/** Prompts for the value of a parameter; `initial` is accepted with Enter. */
export async function askParameter(
  context: Context,
  parameter: RichParameter & { styling?: Styling },
  initial: string | undefined,
): Promise<string> {
  const message = parameter.display_name || parameter.name;
  const flag = `--parameter ${parameter.name}=<value>`;
  if (parameter.description_plaintext && context.interactive) {
    context.note(context.colors.dim(parameter.description_plaintext.trim()));
  }
  const choices = parameter.options.map(({ name, value, description }) => ({ name, value, description }));
  const validate = (text: string) => problemOf(parameter, text) ?? true;
  if (choices.length > 0 && parameter.form_type === "multi-select") {
    const chosen = parseList(initial ?? "[]") ?? [];
    return JSON.stringify(await askMany(context, { message, flag, choices, initial: chosen }));
  }
  if (choices.length > 0 && (parameter.type !== "list(string)" || parameter.form_type)) {
    return askChoice(context, { message, flag, choices, initial });
  }
  if (parameter.type === "bool") {
    const yesOrNo = [
      { name: "yes", value: "true" },
      { name: "no", value: "false" },
    ];
    return askChoice(context, { message, flag, choices: yesOrNo, initial });
  }
  if (parameter.styling?.mask_input) return askSecret(context, message, flag, { initial, validate });
  const { placeholder } = parameter.styling ?? {};
  const hint = placeholder && initial === undefined ? ` ${context.colors.dim(`(${placeholder})`)}` : "";
  return askText(context, { message: `${message}${hint}`, flag, initial, validate });
}

/** Why a value is invalid, as a sentence; checks that depend on the workspace are left to the server. */
export function problemOf(parameter: RichParameter, value: string): string | undefined {
  if (value === "" && parameter.required && parameter.type === "string" && parameter.options.length === 0)
    return "A value is required.";
  return valueFault(rulesOfWire(parameter), value, { matches });
}
