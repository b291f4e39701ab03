import type { NameValue, Organization, Template, TemplateVersion } from "@fleet/sdk";
import type { Context } from "../../context.js";
import { askSecret, askText } from "../../ui/prompt.js";
import { followImport } from "../../workspace/build.js";

export type ImportOptions = {
  name?: string | undefined;
  message?: string | undefined;
  /** Ask for every variable, even those with a value. */
  alwaysPrompt?: boolean | undefined;
  testProvisioner: "terraform" | "echo";
};

export type Import = {
  organization: Organization;
  template: Template | undefined;
  fileId: string;
  tags: Record<string, string>;
  values: ReadonlyMap<string, string>;
};

/** Imports the archive. Prompts for variables without a value, and then imports again. */
export async function importVersion(
  context: Context,
  options: ImportOptions,
  request: Import,
): Promise<TemplateVersion> {
  const { client } = await context.session();
  let values = listOfValues(request.values);
  let asksAll = options.alwaysPrompt === true && context.interactive;
  for (;;) {
    const version = await client.templateVersionCreate({
      params: { organization: request.organization.id },
      body: {
        name: options.name,
        message: options.message,
        template_id: request.template?.id,
        storage_method: "file",
        file_id: request.fileId,
        provisioner: options.testProvisioner,
        tags: request.tags,
        user_variable_values: values,
      },
    });
    try {
      await followImport(context, version);
    } catch (error) {
      if (context.signal.aborted) throw error;
      const { job } = await client.templateVersionGet({ params: { version: version.id } });
      if (job.error_code !== "REQUIRED_TEMPLATE_VARIABLES" || !context.interactive) throw error;
      values = await askVariables(context, version.id, values, asksAll);
      asksAll = false;
      continue;
    }
    if (!asksAll) {
      await noteUnknown(context, version.id, values);
      return version;
    }
    values = await askVariables(context, version.id, values, true);
    asksAll = false;
  }
}

/** Warns about values for unknown variables, which are most likely typos. */
async function noteUnknown(context: Context, version: string, values: readonly NameValue[]): Promise<void> {
  if (values.length === 0) return;
  const { client } = await context.session();
  const known = (await client.templateVersionVariables({ params: { version } })).map(({ name }) => name);
  for (const { name } of values) {
    if (known.includes(name)) continue;
    context.note(
      context.colors.yellow(
        `"${name}" is not a variable of the template; its value is ignored. Valid values: ${known.join(", ") || "none"}.`,
      ),
    );
  }
}

function listOfValues(values: ReadonlyMap<string, string>): NameValue[] {
  return [...values].map(([name, value]) => ({ name, value }));
}

/** Prompts for variables that need a value, or for all. */
async function askVariables(
  context: Context,
  version: string,
  known: readonly NameValue[],
  all: boolean,
): Promise<NameValue[]> {
  const { client } = await context.session();
  const variables = await client.templateVersionVariables({ params: { version } });
  const values = new Map(known.map(({ name, value }) => [name, value]));
  for (const variable of variables) {
    if (!all && (!variable.required || values.has(variable.name))) continue;
    const flag = `--variable ${variable.name}=<value>`;
    const message = variable.description ? `${variable.name}: ${variable.description}` : variable.name;
    const initial = values.get(variable.name) ?? (variable.value || variable.default_value || undefined);
    const value = variable.sensitive
      ? await askSecret(context, message, flag)
      : await askText(context, { message, flag, initial });
    // Empty input keeps a secret.
    if (!variable.sensitive || value !== "") values.set(variable.name, value);
  }
  return listOfValues(values);
}
