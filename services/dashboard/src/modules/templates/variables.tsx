import type { NameValue, TemplateVersionVariable } from "@fleet/sdk";
import { InlineMarkdown } from "../markdown/markdown.js";
import { Field, Input } from "../ui/field.js";

const PREFIX = "variable.";

/** Values of the visible variable fields that were filled in. */
export function variablesOf(formId: string): NameValue[] {
  const data = new FormData(document.getElementById(formId) as HTMLFormElement);
  return [...data]
    .filter(([key, value]) => key.startsWith(PREFIX) && value !== "")
    .map(([key, value]) => ({ name: key.slice(PREFIX.length), value: String(value) }));
}

/** What a value of this type looks like; Terraform reads other types as expressions. */
function patternOf(type: string): { pattern?: string; title?: string } {
  if (type === "number")
    return { pattern: "-?[0-9]+(\\.[0-9]+)?([eE][+\\-]?[0-9]+)?", title: "Enter a number" };
  if (type === "bool") return { pattern: "true|false", title: "Enter true or false" };
  return {};
}

/** A field for each Terraform variable. With `kept`, each has a value already, which an empty field keeps. */
export function VariableFields(props: { variables: readonly TemplateVersionVariable[]; kept?: boolean }) {
  const { variables, kept = false } = props;
  return variables.map((variable) => (
    <Field
      key={variable.name}
      name={`${PREFIX}${variable.name}`}
      label={<span className="font-mono">{variable.name}</span>}
      optional={!variable.required}
      description={variable.description && <InlineMarkdown text={variable.description} />}
    >
      <Input
        type={variable.sensitive ? "password" : "text"}
        required={variable.required && variable.value === "" && !kept}
        {...patternOf(variable.type)}
        defaultValue={variable.sensitive ? "" : variable.value}
        placeholder={variable.sensitive && kept ? "Unchanged" : variable.default_value}
        autoComplete="off"
        spellCheck={false}
        className="font-mono text-sm!"
      />
    </Field>
  ));
}
