export const PARAMETER_TYPES = ["string", "number", "bool", "list(string)"] as const;
export type ParameterType = (typeof PARAMETER_TYPES)[number];

export const FORM_TYPES = [
  "radio",
  "slider",
  "input",
  "dropdown",
  "checkbox",
  "switch",
  "multi-select",
  "tag-select",
  "textarea",
  "error",
] as const;
export type FormType = (typeof FORM_TYPES)[number];

/** The form controls that suit a type, default first. Same table as upstream. */
const FORMS: Record<ParameterType, { options: readonly FormType[]; free: readonly FormType[] }> = {
  string: { options: ["radio", "dropdown"], free: ["input", "textarea"] },
  number: { options: ["radio", "dropdown"], free: ["input", "slider"] },
  bool: { options: ["radio", "dropdown"], free: ["checkbox", "switch"] },
  "list(string)": { options: ["radio", "multi-select"], free: ["tag-select"] },
};

export function formTypesFor(type: ParameterType, hasOptions: boolean): readonly FormType[] {
  return hasOptions ? FORMS[type].options : FORMS[type].free;
}

/** Values are text; whether this text is valid for the type. Numbers and booleans are parsed as by Go's strconv. */
export function isOfType(type: ParameterType, text: string): boolean {
  switch (type) {
    case "string":
      return true;
    case "number":
      return isGoFloat(text);
    case "bool":
      return /^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(text);
    case "list(string)":
      return parseList(text) !== undefined;
  }
}

/** The items of a JSON array of strings, undefined for anything else. Null is "" as an item, [] as a list. */
export function parseList(text: string): string[] | undefined {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (list === null) return [];
  if (!Array.isArray(list)) return undefined;
  const items = list.map((item) => item ?? "");
  return items.every((item) => typeof item === "string") ? items : undefined;
}

/** A whole number of 64 bits, undefined for anything else. */
export function parseWhole(text: string): bigint | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const whole = BigInt(text.replace(/^\+/, ""));
  return BigInt.asIntN(64, whole) === whole ? whole : undefined;
}

function isGoFloat(text: string): boolean {
  if (/^[+-]?(inf(inity)?|nan)$/i.test(text)) return true;
  if (/^[+-]?0x(?=_?\.?[0-9a-f])(_?[0-9a-f])*\.?([0-9a-f](_?[0-9a-f])*)?p[+-]?\d+$/i.test(text)) return true;
  const decimal = /^[+-]?(?=\.?\d)(\d(_?\d)*)?\.?(\d(_?\d)*)?(e[+-]?\d(_?\d)*)?$/i.test(text);
  return decimal && Number.isFinite(Number(text.replaceAll("_", "")));
}
