import { nullLogger } from "@fleet/base";
import { ownArguments } from "@fleet/base/private-environment";
import { Command, Option } from "commander";
import type { Context } from "../context.js";
import { dbcryptCommand } from "./dbcrypt.js";
import { createAdminCommand } from "./users/reset-password.js";

/** Flags for variables of the services; all other settings have a variable only. */
const FLAGS: [flags: string, variable: string, description: string][] = [
  ["--http-address <address>", "CODER_HTTP_ADDRESS", "Address to listen on (default: 127.0.0.1:3000)"],
  [
    "--access-url <url>",
    "CODER_ACCESS_URL",
    "External URL of the deployment, which users and workspaces connect to (default: http://127.0.0.1:3000)",
  ],
  [
    "--wildcard-access-url <pattern>",
    "CODER_WILDCARD_ACCESS_URL",
    "Wildcard host for workspace apps, such as *.apps.example.com",
  ],
  [
    "--postgres-url <url>",
    "CODER_PG_CONNECTION_URL",
    "URL of a PostgreSQL database (default: a built-in one)",
  ],
  ["--redis-url <url>", "CODER_REDIS_URL", "URL of a Redis server (default: a built-in one)"],
  [
    "--provisioner-daemons <count>",
    "CODER_PROVISIONER_DAEMONS",
    "Number of provisioner daemons (default: 2)",
  ],
  ["--cache-dir <folder>", "CODER_CACHE_DIRECTORY", "Directory for downloads and Terraform providers"],
];

/** Flags whose values contain passwords. */
const SECRET_FLAGS = ["--postgres-url", "--redis-url"];

/** Removes these flags from a command line; their values are in the environment by then. */
export function withoutSecrets(args: readonly string[]): string[] {
  return args.filter((arg, index) => {
    const before = args[index - 1];
    return !SECRET_FLAGS.includes(arg.split("=", 1)[0]!) && !(before && SECRET_FLAGS.includes(before));
  });
}

export function serverCommand(context: Context): Command {
  const command = new Command("server")
    .summary("Run a complete deployment on this machine")
    .description(
      "Run a complete deployment on this machine. Starts PostgreSQL and Redis unless their URLs are given.",
    );
  const options = FLAGS.map(([flags, variable, description]) => ({
    variable,
    option: new Option(flags, `${description} [$${variable}]`),
  }));
  for (const { option } of options) command.addOption(option);
  command.addCommand(
    new Command("postgres-builtin-url")
      .description("Print the connection URL of the built-in PostgreSQL, including its password")
      .action(async () => {
        const { postgresUrl } = await import("@fleet/embedded");
        const { postgresFolder } = await import("../server/stores.js");
        context.print(await postgresUrl(await postgresFolder(context.config.path, nullLogger)));
      }),
  );
  command.addCommand(dbcryptCommand(context));
  command.addCommand(createAdminCommand(context));
  return command.action(async (values: Record<string, string | undefined>) => {
    for (const { variable, option } of options) {
      const value = values[option.attributeName()];
      if (value !== undefined) context.io.env[variable] = value;
    }
    // Hides settings from other programs of this user, including templates.
    context.io.hideEnvironment?.(withoutSecrets(ownArguments()));
    // Loaded on demand: other commands start faster without the supervisor.
    const { runServer } = await import("../server/server.js");
    await runServer(context);
  });
}
