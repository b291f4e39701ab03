import type { FormField, RichParameter } from "@fleet/sdk";
import { sentenceOf } from "@fleet/sdk/browser";
import { type ReactNode, useContext } from "react";
import { Icon } from "../icons/icon.js";
import { InlineMarkdown } from "../markdown/markdown.js";
import { Field } from "../ui/field.js";
import { FormContext } from "../ui/form-context.js";
import { Badge } from "../ui/page.js";
import { ParameterControl } from "./control.js";
import type { ParameterForm } from "./form.js";
import { formTypeOf } from "./values.js";

const GROUPS = new Set(["radio", "multi-select"]);

/** A parameter of either flow: only evaluated ones have styling and diagnostics. */
type Shown = RichParameter & Partial<Pick<FormField, "styling" | "diagnostics">>;

/** The fields of the form's parameters. */
export function ParameterFields(props: {
  form: ParameterForm;
  /** Only these of the form's parameters; all of them by default. */
  parameters?: readonly Shown[];
  /** True for a parameter that can no longer be changed. */
  isFixed?(parameter: RichParameter): boolean;
}) {
  const { form, parameters = form.parameters, isFixed } = props;
  const sent = useContext(FormContext);
  return (
    <div className="flex flex-col gap-6">
      {parameters.map((parameter: Shown) => {
        const { name, styling } = parameter;
        const fixed = isFixed?.(parameter) ?? false;
        const disabled = fixed || styling?.disabled === true;
        return (
          <Field
            key={name}
            name={name}
            group={GROUPS.has(formTypeOf(parameter))}
            optional={!parameter.required && parameter.default_value === "" && parameter.type === "string"}
            label={
              <span className="flex flex-wrap items-center gap-2">
                {parameter.icon && <Icon url={parameter.icon} size={16} />}
                {parameter.display_name || name}
                {!parameter.mutable && <Badge>immutable</Badge>}
                {parameter.ephemeral && <Badge>this build only</Badge>}
              </span>
            }
            description={aboutOf(parameter, fixed)}
            error={form.errors[name]}
          >
            <ParameterControl
              parameter={parameter}
              styling={styling}
              value={form.values[name] ?? ""}
              onChange={(value) => {
                form.set(name, value);
                sent?.changed(name);
              }}
              disabled={disabled}
            />
          </Field>
        );
      })}
    </div>
  );
}

/** What stands below the control: warnings, the template's description, and why it is disabled. */
function aboutOf({ description, diagnostics = [], styling }: Shown, isFixed: boolean): ReactNode {
  const warnings = diagnostics.filter(({ severity }) => severity === "warning").map(sentenceOf);
  const reason = isFixed
    ? "Cannot be changed after the workspace is created."
    : styling?.disabled && "The template does not allow changing this value.";
  if (warnings.length === 0 && !description && !reason) return undefined;
  return (
    <>
      {warnings.map((warning) => (
        <p key={warning} className="text-warn">
          {warning}
        </p>
      ))}
      {description && <InlineMarkdown text={description} />}
      {reason && <p>{reason}</p>}
    </>
  );
}
