import type { NameValue, TemplateVersion } from "@fleet/sdk";
import { client } from "../../api/client.js";
import { jobEnded } from "../builds/job-ended.js";

/** The import failed because template variables have no value. */
export function lacksVariables({ job }: TemplateVersion): boolean {
  return job.error_code === "REQUIRED_TEMPLATE_VARIABLES";
}

/** Starts the import of a starter template with values for its variables. */
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

/** Resolves with the version when its import ends. */
export function importEnded(version: string, signal: AbortSignal): Promise<TemplateVersion> {
  const params = { version };
  return jobEnded({
    read: () => client.templateVersionGet({ params, signal }),
    follow: () => client.templateVersionLogsFollow({ params, signal }),
    signal,
  });
}
