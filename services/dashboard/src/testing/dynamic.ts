import type { DynamicParameter, DynamicParametersRequest, DynamicParametersResponse } from "@fleet/sdk";

const known = (value: string | undefined) => ({ value: value ?? "", valid: value !== undefined });

type Changes = Partial<Omit<DynamicParameter, "options" | "value" | "default_value">> & {
  fallback?: string;
  options?: string[];
};

/** An evaluated parameter with this input. Without a fallback it is required. */
export function evaluated(name: string, input: string | undefined, changes: Changes = {}): DynamicParameter {
  const { fallback, options = [], ...rest } = changes;
  const value = input ?? fallback;
  return {
    name,
    display_name: "",
    description: "",
    type: "string",
    form_type: options.length > 0 ? "radio" : "input",
    styling: {},
    mutable: true,
    default_value: known(fallback),
    icon: "",
    options: options.map((option) => ({ name: option, description: "", value: known(option), icon: "" })),
    validations: [],
    required: fallback === undefined,
    order: 0,
    ephemeral: false,
    value: known(value),
    diagnostics:
      value === undefined
        ? [
            {
              severity: "error",
              summary: "Required parameter not provided",
              detail: "",
              extra: { code: "required" },
            },
          ]
        : [],
    ...rest,
  };
}

/** Evaluates a template whose regions depend on the cloud, and which has a GPU's model only where one is wanted. */
export function evaluateClouds({ id, inputs }: DynamicParametersRequest): DynamicParametersResponse {
  const isLarge = inputs.size === "large";
  return {
    id,
    diagnostics: [],
    parameters: [
      evaluated("cloud", inputs.cloud, { fallback: "aws", options: ["aws", "hetzner"] }),
      evaluated("region", inputs.region, {
        fallback: inputs.cloud === "hetzner" ? "fsn1" : "eu-west-1",
        options: inputs.cloud === "hetzner" ? ["fsn1", "nbg1"] : ["eu-west-1", "us-east-1"],
      }),
      evaluated("size", inputs.size, { fallback: "small" }),
      ...(isLarge ? [evaluated("model", inputs.model)] : []),
    ],
  };
}
