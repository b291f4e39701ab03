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
        const { name, styling, diagnostics = [] } = parameter;
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
            description={
              <About
                warnings={diagnostics.filter(({ severity }) => severity === "warning").map(sentenceOf)}
                reason={
                  fixed
                    ? "Cannot be changed after the workspace is created."
                    : disabled
                      ? "The template does not allow changing this value."
                      : undefined
                }
              >
                {parameter.description && <InlineMarkdown text={parameter.description} />}
              </About>
            }
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

function About(props: { warnings: readonly string[]; reason: string | undefined; children: ReactNode }) {
  const { warnings, reason, children } = props;
  return (
    <>
      {warnings.map((warning) => (
        <p key={warning} className="text-warn">
          {warning}
        </p>
      ))}
      {children}
      {reason && <p>{reason}</p>}
    </>
  );
}
