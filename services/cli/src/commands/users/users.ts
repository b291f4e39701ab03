import { randomBytes } from "node:crypto";
import { FleetError } from "@fleet/base";
import type { User } from "@fleet/sdk";
import { Command, Option } from "commander";
import type { Context } from "../../context.js";
import { allPages, PAGE_SIZE } from "../../pages.js";
import { type OutputOptions, printJson, printList, withListOutput, withTextOutput } from "../../ui/output.js";
import { askConsent, askText } from "../../ui/prompt.js";
import type { Column } from "../../ui/table.js";
import { ago } from "../../ui/time.js";
import { oidcClaimsCommand } from "./oidc-claims.js";

export function usersCommand(context: Context): Command {
  return new Command("users")
    .alias("user")
    .description("Manage users")
    .addCommand(createCommand(context))
    .addCommand(listCommand(context))
    .addCommand(showCommand(context))
    .addCommand(statusCommand(context, "suspend"))
    .addCommand(statusCommand(context, "activate"))
    .addCommand(deleteCommand(context))
    .addCommand(editRolesCommand(context))
    .addCommand(oidcClaimsCommand(context));
}

function columns(context: Context): Column<User>[] {
  return [
    { name: "username", text: (user) => user.username },
    { name: "email", text: (user) => user.email },
    { name: "name", extra: true, text: (user) => user.name },
    { name: "id", extra: true, text: (user) => user.id },
    { name: "created at", text: (user) => ago(user.created_at, context.clock.now()) },
    { name: "last seen", extra: true, text: (user) => ago(user.last_seen_at, context.clock.now()) },
    { name: "status", text: (user) => user.status },
    { name: "roles", extra: true, text: (user) => user.roles.map((role) => role.name).join(",") },
  ];
}

type CreateOptions = {
  username?: string;
  email?: string;
  fullName?: string;
  password?: string;
  loginType: "password" | "github" | "oidc" | "none";
  serviceAccount?: boolean;
  org?: string;
};

function createCommand(context: Context): Command {
  return new Command("create")
    .description("Create a user")
    .option("-u, --username <name>", "Username")
    .option("-e, --email <email>", "Email address")
    .option("-n, --full-name <name>", "Full name")
    .option("-p, --password <password>", "Password (generated if omitted)")
    .addOption(
      new Option("--login-type <type>", "Login type of the user")
        .choices(["password", "github", "oidc", "none"])
        .default("password"),
    )
    .option(
      "--service-account",
      "Create an account for a program, which has no email address and uses only tokens",
    )
    .option("-O, --org <organization>", "Organization to add the user to")
    .action((options: CreateOptions) => create(context, options));
}

async function create(context: Context, options: CreateOptions): Promise<void> {
  if (options.serviceAccount) return createServiceAccount(context, options);
  const { client } = await context.session();
  const organization = await context.organization(options.org);
  const username = options.username ?? (await askText(context, { message: "Username", flag: "--username" }));
  const email = options.email ?? (await askText(context, { message: "Email", flag: "--email" }));
  const needsPassword = options.loginType === "password";
  const password = needsPassword ? (options.password ?? randomBytes(15).toString("base64url")) : undefined;
  await client.userCreate({
    body: {
      username,
      email,
      name: options.fullName,
      password,
      login_type: options.loginType,
      organization_ids: [organization.id],
    },
  });
  context.note(
    `Created user ${context.colors.bold(username)}. Sign in with: coder login ${await context.url()}`,
  );
  if (needsPassword && !options.password) {
    context.note("The password below is shown only once. Change it after signing in.");
    context.print(password!);
  }
}

/** A user without an email address, who cannot sign in: an administrator creates its tokens. */
async function createServiceAccount(context: Context, options: CreateOptions): Promise<void> {
  if (options.email || options.password) {
    throw new FleetError(
      "invalid_argument",
      "A service account has neither an email address nor a password. Remove --email and --password.",
    );
  }
  const { client } = await context.session();
  const organization = await context.organization(options.org);
  const username = options.username ?? (await askText(context, { message: "Username", flag: "--username" }));
  await client.userCreate({
    body: {
      username,
      email: "",
      name: options.fullName,
      login_type: "none",
      service_account: true,
      organization_ids: [organization.id],
    },
  });
  context.note(
    `Created service account ${context.colors.bold(username)}. Create a token for it with: coder tokens create --user ${username}`,
  );
}

function listCommand(context: Context): Command {
  return withListOutput(new Command("list").alias("ls").description("List users"), columns(context))
    .option("--search <query>", "Search query, such as: status:active role:owner")
    .action(async (options: OutputOptions & { search?: string }) => {
      const { client } = await context.session();
      const users = await allPages(async (offset) => {
        const page = await client.userList({ query: { q: options.search, limit: PAGE_SIZE, offset } });
        return { items: page.users, count: page.count };
      });
      printList(context, options, columns(context), users);
    });
}

function showCommand(context: Context): Command {
  return withTextOutput(new Command("show").description("Show a user"))
    .argument("<user>", "Username, ID or me")
    .action(async (name: string, { output }: OutputOptions) => {
      const { client } = await context.session();
      const user = await client.userGet({ params: { user: name } });
      if (output === "json") return printJson(context, user);
      for (const column of columns(context)) context.print(`${column.name.padEnd(12)}${column.text(user)}`);
    });
}

function statusCommand(context: Context, verb: "suspend" | "activate"): Command {
  const description = verb === "suspend" ? "Suspend a user" : "Reactivate a suspended user";
  return new Command(verb)
    .description(description)
    .argument("<user>")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (name: string, { yes }: { yes?: boolean }) => {
      const { client } = await context.session();
      const params = { user: name };
      await askConsent(context, `${verb === "suspend" ? "Suspend" : "Activate"} user ${name}?`, yes);
      const user =
        verb === "suspend" ? await client.userSuspend({ params }) : await client.userActivate({ params });
      context.note(`User ${user.username} is now ${user.status}.`);
    });
}

function deleteCommand(context: Context): Command {
  return new Command("delete")
    .alias("rm")
    .description("Delete a user (the user must not have workspaces)")
    .argument("<user>")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (name: string, { yes }: { yes?: boolean }) => {
      const { client } = await context.session();
      await askConsent(context, `Delete user ${name}?`, yes);
      await client.userDelete({ params: { user: name } });
      context.note(`Deleted user ${name}.`);
    });
}

function editRolesCommand(context: Context): Command {
  return new Command("edit-roles")
    .description("Set the deployment-wide roles of a user")
    .argument("<user>")
    .requiredOption("--roles <roles>", "Roles, comma-separated (empty for none)", (text) =>
      text.split(",").filter((role) => role !== ""),
    )
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (name: string, { roles, yes }: { roles: string[]; yes?: boolean }) => {
      const { client } = await context.session();
      await askConsent(context, `Set the roles of ${name} to: ${roles.join(", ") || "none"}?`, yes);
      await client.userRolesUpdate({ params: { user: name }, body: { roles } });
      context.note(`Set the roles of ${name}.`);
    });
}
