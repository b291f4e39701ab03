import { FleetError } from "@fleet/base";
import type { Client, WorkspaceRole } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import type { Column } from "../../ui/table.js";
import { findWorkspace } from "../../workspace/find.js";

type Share = { user: string; group: string; role: WorkspaceRole };

const COLUMNS: Column<Share>[] = [
  { name: "user", text: ({ user }) => user || "-" },
  { name: "group", text: ({ group }) => group || "-" },
  { name: "role", text: ({ role }) => role },
];

type Names = { user?: string[]; group?: string[] };

export function sharingCommand(context: Context): Command {
  return new Command("sharing")
    .alias("share")
    .description("Share workspaces with users and groups")
    .addCommand(addCommand(context))
    .addCommand(removeCommand(context))
    .addCommand(statusCommand(context));
}

/** Comma-separated values of an option that can be repeated. */
function collect(text: string, before: string[] = []): string[] {
  return [...before, ...text.split(",").filter((part) => part !== "")];
}

function addCommand(context: Context): Command {
  return withListOutput(
    new Command("add")
      .alias("share")
      .description("Share a workspace with users or groups of its organization")
      .argument("<workspace>")
      .option("--user <user[:role]>", "Users, comma-separated, with the role use (default) or admin", collect)
      .option(
        "--group <group[:role]>",
        "Groups, comma-separated, with the role use (default) or admin",
        collect,
      ),
    COLUMNS,
  ).action(async (name: string, options: Names & OutputOptions) => {
    const shares = await change(context, name, options, roleOf);
    printList(context, options, COLUMNS, shares);
  });
}

function removeCommand(context: Context): Command {
  return withListOutput(
    new Command("remove")
      .alias("rm")
      .description("Stop sharing a workspace with users or groups")
      .argument("<workspace>")
      .option("--user <user>", "Users, comma-separated", collect)
      .option("--group <group>", "Groups, comma-separated", collect),
    COLUMNS,
  ).action(async (name: string, options: Names & OutputOptions) => {
    const shares = await change(context, name, options, (text) => ({ name: text, role: "" }));
    printList(context, options, COLUMNS, shares);
  });
}

function statusCommand(context: Context): Command {
  return withListOutput(
    new Command("status")
      .alias("list")
      .description("List the users and groups that a workspace is shared with")
      .argument("<workspace>"),
    COLUMNS,
  ).action(async (name: string, options: OutputOptions) => {
    const { client } = await context.session();
    const { id } = await findWorkspace(client, name);
    printList(context, options, COLUMNS, await sharesOf(client, id));
  });
}

async function sharesOf(client: Client, workspace: string): Promise<Share[]> {
  const { users, group } = await client.workspaceAcl({ params: { workspace } });
  return [
    ...users.map(({ username, role }) => ({ user: username, group: "", role })),
    ...group.map(({ name, role }) => ({ user: "", group: name, role })),
  ];
}

/** Changes the roles of the named users and groups. @returns all shares afterwards. */
async function change(
  context: Context,
  workspaceName: string,
  { user = [], group = [] }: Names,
  parse: (text: string) => { name: string; role: WorkspaceRole },
): Promise<Share[]> {
  if (user.length + group.length === 0)
    throw new FleetError("invalid_argument", "Name at least one user or group, with --user or --group.");
  const [users, groups] = [user.map(parse), group.map(parse)];
  const { client } = await context.session();
  const { id: workspace } = await findWorkspace(client, workspaceName);
  const user_roles: Record<string, WorkspaceRole> = {};
  const group_roles: Record<string, WorkspaceRole> = {};
  const acl = await client.workspaceAcl({ params: { workspace } });
  for (const { name, role } of users) {
    const held = acl.users.find(({ username }) => same(username, name));
    user_roles[(held ?? (await findUser(client, workspace, name))).id] = role;
  }
  for (const { name, role } of groups) {
    const held = acl.group.find((one) => same(one.name, name));
    group_roles[(held ?? (await findGroup(client, workspace, name))).id] = role;
  }
  await client.workspaceAclUpdate({ params: { workspace }, body: { user_roles, group_roles } });
  return sharesOf(client, workspace);
}

async function findUser(client: Client, workspace: string, name: string): Promise<{ id: string }> {
  const { users } = await client.workspaceAclAvailable({ params: { workspace }, query: { q: name } });
  const found = users.find(({ username, id }) => same(username, name) || id === name);
  if (found) return found;
  throw new FleetError("not_found", `"${name}" is not a member of the workspace's organization.`);
}

async function findGroup(client: Client, workspace: string, name: string): Promise<{ id: string }> {
  const { groups } = await client.workspaceAclAvailable({ params: { workspace }, query: { q: name } });
  const found = groups.find((group) => same(group.name, name) || group.id === name);
  if (found) return found;
  throw new FleetError("not_found", `"${name}" is not a group of the workspace's organization.`);
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/** `<name>` or `<name>:<role>`. */
function roleOf(text: string): { name: string; role: WorkspaceRole } {
  const [name = "", role = "use", ...rest] = text.split(":");
  if (name !== "" && rest.length === 0 && (role === "use" || role === "admin")) return { name, role };
  throw new FleetError(
    "invalid_argument",
    `"${text}" is not valid. Use <name> or <name>:use or <name>:admin.`,
  );
}
