import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { templateNameTakenQuery } from "../../api/templates.js";
import { NAME_PATTERN, NAME_RULE } from "../format/names.js";
import { Field, Input } from "../ui/field.js";

const WHOLE = new RegExp(`^(?:${NAME_PATTERN})$`);

/** A template's name, checked while it is typed: its form, and whether another template has it. */
export function TemplateNameField(props: {
  organization: string;
  defaultValue: string;
  /** The name that the template has already. */
  own?: string;
  description?: string;
}) {
  const [name, setName] = useState(props.defaultValue);
  const asked = useDeferredValue(name);
  const isValid = WHOLE.test(asked);
  const taken = useQuery({
    ...templateNameTakenQuery(props.organization, asked),
    enabled: isValid && asked !== props.own,
  });
  const error =
    name !== "" && !WHOLE.test(name)
      ? `${NAME_RULE}.`
      : taken.data && asked === name && name !== props.own
        ? `A template named "${name}" already exists.`
        : undefined;
  return (
    <Field
      name="name"
      label="Name"
      description={props.description ?? "Part of the template's URL."}
      error={error}
    >
      <Input
        required
        defaultValue={props.defaultValue}
        onChange={({ target }) => setName(target.value)}
        maxLength={32}
        pattern={NAME_PATTERN}
        title={NAME_RULE}
        autoComplete="off"
        spellCheck={false}
      />
    </Field>
  );
}
