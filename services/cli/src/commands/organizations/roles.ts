import { FleetError } from "@fleet/base";
import {
  type CustomRoleRequest,
  CustomRoleRequest as CustomRoleSchema,
  type RoleDefinition,
} from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import { readPiped } from "../../ui/piped.js";
import type { Column } from "../../ui/table.js";

const listed = (permissions: RoleDefinition["organization_permissions"]) =>
  permissions
    .map(({ resource_type, action, negate }) => `${negate ? "!" : ""}${resource_type}:${action}`)
    .join(", ");

const COLUMNS: Column<RoleDefinition>[] = [
  { name: "name", text: (role) => role.name },
  { name: "display name", text: (role) => role.display_name },
  { name: "organization id", extra: true, text: (role) => role.organization_id },
  { name: "site permissions", extra: true, text: (role) => listed(role.site_permissions) },
  { name: "organization permissions", text: (role) => listed(role.organization_permissions) },
  { name: "member permissions", text: (role) => listed(role.organization_member_permissions) },
  { name: "user permissions", extra: true, text: (role) => listed(role.user_permissions) },
];

type EditOptions = OutputOptions & { stdin?: boolean; dryRun?: boolean; org?: string };

export function rolesCommand(context: Context): Command {
  return new Command("roles")
    .alias("role")
    .description("Manage the roles of an organization")
    .addCommand(showCommand(context))
    .addCommand(editCommand(context, "create", "Create a custom role from JSON on standard input"))
    .addCommand(editCommand(context, "update", "Replace a custom role with JSON on standard input"));
}

function showCommand(context: Context): Command {
  return withListOutput(
    new Command("show").description("Show the organization's roles, built-in and custom"),
    COLUMNS,
  )
    .argument("[roles...]", "Names of roles (default: all)")
    .option("-O, --org <organization>", "Organization name or ID")
    .action(async (names: string[], options: OutputOptions & { org?: string }) => {
      const { client } = await context.session();
      const { id: organization } = await context.organization(options.org);
      const roles = await client.organizationRoleList({ params: { organization } });
      const unknown = names.find((name) => !roles.some((role) => role.name === name));
      if (unknown) throw new FleetError("not_found", `The organization has no role named "${unknown}".`);
      printList(
        context,
        options,
        COLUMNS,
        names.length > 0 ? roles.filter(({ name }) => names.includes(name)) : roles,
      );
    });
}

function editCommand(context: Context, verb: "create" | "update", description: string): Command {
  return withListOutput(new Command(verb).description(description), COLUMNS)
    .argument("[name]", "Name of the role, if the JSON has none")
    .option("--stdin", "Read the role's JSON from standard input")
    .option("--dry-run", "Show the role without storing it")
    .option("-y, --yes", "Ignored; accepted for compatibility")
    .option("-O, --org <organization>", "Organization name or ID")
    .action(async (name: string | undefined, options: EditOptions) => {
      if (!options.stdin) {
        throw new FleetError(
          "invalid_argument",
          `Pass the role as JSON: coder organizations roles ${verb} --stdin < role.json`,
        );
      }
      const { client } = await context.session();
      const { id: organization } = await context.organization(options.org);
      const role = parseRole((await readPiped(context)).toString(), name);
      if (options.dryRun) return printList(context, options, COLUMNS, [shown(role, organization)]);
      const call = verb === "create" ? client.organizationRoleCreate : client.organizationRoleUpdate;
      printList(context, options, COLUMNS, await call({ params: { organization }, body: role }));
    });
}

/** The role in the JSON, which may also be what `roles show -o json` prints: one role, or a list of one. */
function parseRole(text: string, name: string | undefined): CustomRoleRequest {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (cause) {
    throw new FleetError("invalid_argument", "Standard input is not valid JSON.", { cause });
  }
  const role: unknown = Array.isArray(given) && given.length === 1 ? given[0] : given;
  const parsed = CustomRoleSchema.safeParse(
    typeof role === "object" && role !== null ? { ...(name ? { name } : {}), ...role } : role,
  );
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new FleetError(
      "invalid_argument",
      `The JSON is not a role: ${issue?.path.join(".") || "role"}: ${issue?.message}`,
    );
  }
  if (name && parsed.data.name !== name) {
    throw new FleetError(
      "invalid_argument",
      `The JSON describes the role "${parsed.data.name}", not "${name}".`,
    );
  }
  return parsed.data;
}

function shown(role: CustomRoleRequest, organizationId: string): RoleDefinition {
  const permissions = (given: CustomRoleRequest["organization_permissions"]) =>
    (given ?? []).map(({ resource_type, action, negate }) => ({
      resource_type,
      action,
      negate: negate ?? false,
    }));
  return {
    name: role.name,
    display_name: role.display_name ?? "",
    organization_id: organizationId,
    site_permissions: permissions(role.site_permissions),
    organization_permissions: permissions(role.organization_permissions),
    organization_member_permissions: permissions(role.organization_member_permissions),
    user_permissions: permissions(role.user_permissions),
  };
}
