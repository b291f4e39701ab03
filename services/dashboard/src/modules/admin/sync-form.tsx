import { Plus, Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Button, IconButton } from "../ui/button.js";
import { Field, Input } from "../ui/field.js";
import { Form, FormFailure, SubmitButton, useForm } from "../ui/form.js";
import type { FormValues } from "../ui/form-context.js";
import { FormSection } from "../ui/form-section.js";
import { Select } from "../ui/select.js";
import { useToasts } from "../ui/toast.js";

/** Claim value → what the user gets. */
export type Mapping = Record<string, string[]>;
type Row = { key: number; given: string; gets: string };

const rowsOf = (mapping: Mapping): Row[] =>
  Object.entries(mapping)
    .flatMap(([given, targets]) => targets.map((gets) => ({ given, gets })))
    .map((row, key) => ({ ...row, key }));

/** The mapping of the complete rows. */
export function mappingOf(rows: readonly Pick<Row, "given" | "gets">[]): Mapping {
  const complete = rows
    .map(({ given, gets }) => ({ given: given.trim(), gets }))
    .filter(({ given, gets }) => given !== "" && gets !== "");
  return Object.fromEntries(
    [...Map.groupBy(complete, ({ given }) => given)].map(([given, list]) => [
      given,
      [...new Set(list.map(({ gets }) => gets))],
    ]),
  );
}

/** Which claim of the identity provider decides, and what its values give. */
export function SyncForm(props: {
  title: string;
  lead: string;
  /** What a value gives: "Group". */
  gets: string;
  field: string;
  mapping: Mapping;
  targets: readonly { value: string; label: string }[];
  disabled: boolean;
  onSave(settings: { field: string; mapping: Mapping; values: FormValues }): Promise<void>;
  children?: ReactNode;
}) {
  const { title, lead, gets, field, mapping, targets, disabled, onSave, children } = props;
  const toasts = useToasts();
  const [rows, setRows] = useState(() => rowsOf(mapping));
  const form = useForm({
    async submit(values) {
      await onSave({ field: values("field"), mapping: mappingOf(rows), values });
      toasts.done("Settings saved.");
    },
  });
  const change = (key: number, part: Partial<Row>) =>
    setRows(rows.map((row) => (row.key === key ? { ...row, ...part } : row)));
  // A target that was deleted stays visible by its id.
  const optionsOf = (value: string) =>
    value === "" || targets.some((target) => target.value === value)
      ? targets
      : [...targets, { value, label: value }];
  return (
    <Form form={form} className="flex flex-col gap-5">
      <FormSection title={title} lead={lead}>
        <Field
          name="field"
          label="Claim"
          description="Such as groups, or a path like realm_access.roles. Empty turns this off."
        >
          <Input
            defaultValue={field}
            placeholder="Off"
            disabled={disabled}
            autoComplete="off"
            spellCheck={false}
            className="max-w-sm font-mono text-sm!"
          />
        </Field>
        {children}
        <Field name="mapping" label="Mapping" group>
          <div className="flex flex-col gap-2">
            {rows.map((row, index) => (
              <div key={row.key} className="flex items-center gap-2">
                <Input
                  aria-label={`Value ${index + 1}`}
                  name={`mapping-${row.key}`}
                  value={row.given}
                  disabled={disabled}
                  placeholder="Value of the claim"
                  autoComplete="off"
                  spellCheck={false}
                  onChange={({ target }) => change(row.key, { given: target.value })}
                  className="font-mono text-sm!"
                />
                <Select
                  label={`${gets} ${index + 1}`}
                  value={row.gets || undefined}
                  placeholder={gets}
                  options={optionsOf(row.gets)}
                  disabled={disabled}
                  onChange={(value) => change(row.key, { gets: value })}
                />
                <IconButton
                  label={`Remove mapping ${index + 1}`}
                  disabled={disabled}
                  onClick={() => setRows(rows.filter(({ key }) => key !== row.key))}
                >
                  <Trash2 aria-hidden />
                </IconButton>
              </div>
            ))}
            {!disabled && (
              <div>
                <Button
                  size="sm"
                  icon={<Plus aria-hidden />}
                  onClick={() =>
                    setRows([...rows, { key: (rows.at(-1)?.key ?? -1) + 1, given: "", gets: "" }])
                  }
                >
                  Add mapping
                </Button>
              </div>
            )}
          </div>
        </Field>
      </FormSection>
      <FormFailure />
      {!disabled && (
        <div>
          <SubmitButton form={form}>Save</SubmitButton>
        </div>
      )}
    </Form>
  );
}
