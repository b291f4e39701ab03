import { FleetError, isFleetError } from "@fleet/base";
import type { Template } from "@fleet/sdk";
import type { Context } from "../../context.js";

/** Finds a template by name in the named or selected organization. */
export async function findTemplate(
  context: Context,
  name: string,
  org: string | undefined,
): Promise<Template> {
  const { client } = await context.session();
  const organization = await context.organization(org);
  try {
    return await client.templateGetByName({ params: { organization: organization.id, templateName: name } });
  } catch (error) {
    if (!isFleetError(error, "not_found")) throw error;
    throw new FleetError(
      "not_found",
      `Template "${name}" not found in organization ${organization.name}. List templates with: coder templates list`,
      { cause: error },
    );
  }
}
