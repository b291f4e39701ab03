import type { DynamicParameter, DynamicParametersRequest, DynamicParametersResponse } from "@fleet/sdk";

const known = (value: string | undefined) => ({ value: value ?? "", valid: value !== undefined });

function field(
  name: string,
  input: string | undefined,
  {
    fallback,
    options = [],
    ...changes
  }: Partial<Omit<DynamicParameter, "options">> & {
    fallback?: string;
    options?: string[];
  } = {},
): DynamicParameter {
  const value = input ?? fallback;
  const wrong =
    value === undefined
      ? { summary: "Required parameter not provided", code: "required" }
      : options.length > 0 && !options.includes(value)
        ? { summary: `Must be one of: ${options.join(", ")}.`, code: "" }
        : undefined;
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
    diagnostics: wrong
      ? [{ severity: "error", summary: wrong.summary, detail: "", extra: { code: wrong.code } }]
      : [],
    ...changes,
  };
}

const REGIONS: Record<string, string[]> = { aws: ["us-east-1", "eu-west-1"], hetzner: ["fsn1", "nbg1"] };

/**
 * Evaluates a template whose regions depend on the cloud, which asks for a GPU's model only where one is wanted, and
 * whose owner is the default of a label.
 */
export function evaluateClouds(request: DynamicParametersRequest): DynamicParametersResponse {
  const { id, inputs, owner_id } = request;
  const cloud = inputs.cloud ?? "aws";
  return {
    id,
    diagnostics:
      cloud === "hetzner" ? [{ severity: "warning", summary: "Beta", detail: "", extra: { code: "" } }] : [],
    parameters: [
      field("cloud", inputs.cloud, { fallback: "aws", options: Object.keys(REGIONS) }),
      field("region", inputs.region, { options: REGIONS[cloud] ?? [] }),
      field("gpu", inputs.gpu, { type: "bool", form_type: "checkbox", fallback: "false" }),
      ...(inputs.gpu === "true" ? [field("model", inputs.model, { options: ["a100", "h100"] })] : []),
      field("label", inputs.label, { fallback: `of-${owner_id}` }),
      field("wipe", inputs.wipe, { fallback: "no", ephemeral: true }),
    ],
  };
}
