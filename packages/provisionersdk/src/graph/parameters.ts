import type { ExternalAuthProviderInit, PresetInit, RichParameterInit } from "../provisioner.js";
import type { Instance } from "./instances.js";
import { blocks, flag, integer, number, strings, text } from "./values.js";

const ofType = (instances: readonly Instance[], type: string) =>
  instances.filter((instance) => instance.mode === "data" && instance.type === type);

/** The template's coder_parameters, by order and then by name, ignoring case. */
export function parametersOf(instances: readonly Instance[]): RichParameterInit[] {
  return ofType(instances, "coder_parameter").map(parameterOf).sort(compareParameters);
}

/** The order in which a user is asked. */
export function compareParameters(a: RichParameterInit, b: RichParameterInit): number {
  return Number(a.order! - b.order!) || (a.name!.toLowerCase() < b.name!.toLowerCase() ? -1 : 1);
}

function parameterOf({ values }: Instance) {
  const [validation] = blocks(values, "validation");
  return {
    name: text(values, "name"),
    displayName: text(values, "display_name"),
    description: text(values, "description"),
    type: text(values, "type") || "string",
    formType: text(values, "form_type"),
    styling: text(values, "styling") === "{}" ? "" : text(values, "styling"),
    mutable: flag(values, "mutable"),
    ephemeral: flag(values, "ephemeral"),
    required: !flag(values, "optional"),
    defaultValue: text(values, "default"),
    icon: text(values, "icon"),
    order: integer(values, "order"),
    options: blocks(values, "option").map((option) => ({
      name: text(option, "name"),
      description: text(option, "description"),
      value: text(option, "value"),
      icon: text(option, "icon"),
    })),
    validation: validation && {
      regex: text(validation, "regex"),
      error: text(validation, "error"),
      min: flag(validation, "min_disabled") ? undefined : integer(validation, "min"),
      max: flag(validation, "max_disabled") ? undefined : integer(validation, "max"),
      monotonic: text(validation, "monotonic"),
    },
  };
}

export function presetsOf(instances: readonly Instance[]): PresetInit[] {
  return ofType(instances, "coder_workspace_preset").map(({ values }) => {
    const [prebuilds] = blocks(values, "prebuilds");
    const [expiration] = blocks(prebuilds, "expiration_policy");
    const [scheduling] = blocks(prebuilds, "scheduling");
    return {
      name: text(values, "name"),
      parameters: strings(values, "parameters"),
      isDefault: flag(values, "default"),
      description: text(values, "description"),
      icon: text(values, "icon"),
      prebuildInstances: number(prebuilds ?? {}, "instances"),
      prebuildTtlSeconds: integer(expiration ?? {}, "ttl"),
      prebuildTimezone: text(scheduling ?? {}, "timezone"),
      prebuildSchedules: blocks(scheduling, "schedule").map((schedule) => ({
        cron: text(schedule, "cron"),
        instances: number(schedule, "instances"),
      })),
    };
  });
}

export function externalAuthProvidersOf(instances: readonly Instance[]): ExternalAuthProviderInit[] {
  const found = new Map<string, ExternalAuthProviderInit>();
  for (const { values } of ofType(instances, "coder_external_auth")) {
    const id = text(values, "id");
    // Required anywhere means required.
    found.set(id, { id, optional: flag(values, "optional") && found.get(id)?.optional !== false });
  }
  return [...found.values()];
}

export function workspaceTagsOf(instances: readonly Instance[]): Record<string, string> {
  return Object.assign(
    {},
    ...ofType(instances, "coder_workspace_tags").map(({ values }) => strings(values, "tags")),
  );
}
