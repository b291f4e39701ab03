import type { NameValue, TemplateVersion } from "@fleet/sdk";
import { client } from "../../api/client.js";

/** An import stopped because variables of the template have no value. */
export function lacksVariables({ job }: TemplateVersion): boolean {
  return job.error_code === "REQUIRED_TEMPLATE_VARIABLES";
}

/** Begins the import of a starter template, with values for the template's variables. */
export function importExample(options: {
  organization: string;
  example: string;
  variables: NameValue[];
}): Promise<TemplateVersion> {
  return client.templateVersionCreate({
    params: { organization: options.organization },
    body: {
      example_id: options.example,
      storage_method: "file",
      provisioner: "terraform",
      message: "From a starter template.",
      user_variable_values: options.variables,
    },
  });
}

/** Resolves when the job of the version has ended: its log ends with it. */
export async function importEnded(version: string, signal: AbortSignal): Promise<TemplateVersion> {
  for (;;) {
    const found = await client.templateVersionGet({ params: { version }, signal });
    if (found.job.completed_at) return found;
    try {
      for await (const _ of client.templateVersionLogsFollow({ params: { version }, signal }));
    } catch {
      signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, RECHECK_MS));
    }
  }
}

/** Between two looks at an import whose log stream broke off. */
const RECHECK_MS = 2_000;
