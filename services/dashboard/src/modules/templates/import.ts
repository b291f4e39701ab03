import type { NameValue, TemplateVersion } from "@fleet/sdk";
import { client } from "../../api/client.js";
import { jobEnded } from "../builds/job-ended.js";

/** The import failed because template variables have no value. */
export function lacksVariables({ job }: TemplateVersion): boolean {
  return job.error_code === "REQUIRED_TEMPLATE_VARIABLES";
}

/** Starts the import of a starter template or of an archive, with values for its variables. */
export async function importTemplate(options: {
  organization: string;
  source: { example: string } | { archive: File };
  variables: NameValue[];
}): Promise<TemplateVersion> {
  const { organization, source, variables } = options;
  const from =
    "example" in source
      ? { example_id: source.example, message: "From a starter template." }
      : { file_id: await upload(source.archive), message: `From ${source.archive.name}.` };
  return client.templateVersionCreate({
    params: { organization },
    body: {
      ...from,
      storage_method: "file",
      provisioner: "terraform",
      user_variable_values: variables,
    },
  });
}

/** The id of the uploaded file. */
async function upload(archive: File): Promise<string> {
  const contentType = archive.name.toLowerCase().endsWith(".zip") ? "application/zip" : "application/x-tar";
  const { hash } = await client.fileUpload({ body: await archive.bytes(), contentType });
  return hash;
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
