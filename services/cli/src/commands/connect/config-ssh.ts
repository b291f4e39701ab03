import { copyFile, mkdir, readFile, realpath, rename, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, resolve } from "node:path";
import { FleetError, isFleetError } from "@fleet/base";
import { commandOf, ownProgram } from "@fleet/base/own-program";
import { Command, Option } from "commander";
import type { Context } from "../../context.js";
import { listOf } from "../../ui/list-option.js";
import { askConsent } from "../../ui/prompt.js";
import {
  mergeSectionOptions,
  previousOptions,
  removeSection,
  renderSection,
  replaceSection,
  type SectionOptions,
} from "./ssh-config-text.js";

type Options = {
  sshConfigFile: string;
  coderBinaryPath?: string;
  sshOption?: string[];
  dryRun?: boolean;
  remove?: boolean;
  usePreviousOptions?: boolean;
  sshHostPrefix?: string;
  hostnameSuffix?: string;
  wait?: "yes" | "no" | "auto";
  disableAutostart?: boolean;
  yes?: boolean;
};

/** True if the field can begin an SSH option: `Ciphers a,b` is one option, `ForwardAgent=yes,LogLevel=INFO` are two. */
function beginsOption(field: string): boolean {
  return /^[A-Za-z]+\d*(\s*=|\s)/.test(field);
}

export function configSshCommand(context: Context): Command {
  return new Command("config-ssh")
    .summary("Configure SSH to connect to workspaces")
    .description(
      'Add workspaces to your SSH configuration, so that "ssh <workspace>.coder" and editors can connect to them. Options are remembered for the next run.',
    )
    .addOption(
      new Option("--ssh-config-file <file>", "SSH configuration file to update")
        .env("CODER_SSH_CONFIG_FILE")
        .default("~/.ssh/config"),
    )
    .addOption(
      new Option(
        "--coder-binary-path <path>",
        "Path of the coder executable for SSH to run (default: this one)",
      ).env("CODER_SSH_CONFIG_BINARY_PATH"),
    )
    .addOption(
      new Option(
        "-o, --ssh-option <option>",
        "SSH option for the hosts, such as ForwardAgent=yes (repeatable)",
      )
        .env("CODER_SSH_CONFIG_OPTS")
        .argParser(listOf(beginsOption)),
    )
    .addOption(
      new Option("-n, --dry-run", "Print the resulting file without writing it").env("CODER_SSH_DRY_RUN"),
    )
    .option("--remove", "Remove the coder section from the file")
    .addOption(
      new Option("--use-previous-options", "Ignore the options given and use those of the last run").env(
        "CODER_SSH_USE_PREVIOUS_OPTIONS",
      ),
    )
    .addOption(
      new Option(
        "--ssh-host-prefix <prefix>",
        "Prefix of the host names (default: set by the deployment)",
      ).env("CODER_CONFIGSSH_SSH_HOST_PREFIX"),
    )
    .addOption(
      new Option(
        "--hostname-suffix <suffix>",
        "Suffix of the host names (default: set by the deployment)",
      ).env("CODER_CONFIGSSH_HOSTNAME_SUFFIX"),
    )
    .addOption(
      new Option("--wait <when>", "Whether sessions wait for the startup scripts (default: auto)")
        .env("CODER_CONFIGSSH_WAIT")
        .choices(["yes", "no", "auto"]),
    )
    .addOption(
      new Option("--disable-autostart [bool]", "Do not start stopped workspaces on connect")
        .env("CODER_CONFIGSSH_DISABLE_AUTOSTART")
        .argParser((text) => text !== "false"),
    )
    .option("-y, --yes", "Do not ask for confirmation")
    .action((options: Options) => configSsh(context, options));
}

async function configSsh(context: Context, options: Options): Promise<void> {
  const path = await targetOf(options.sshConfigFile, context.io.env.HOME || homedir());
  const before = await readIfThere(path);
  const { after, suffix } = options.remove
    ? { after: removeSection(before), suffix: "" }
    : await withSection(context, before, options);
  if (after === undefined) {
    throw new FleetError(
      "failed_precondition",
      `The coder section of ${path} is damaged: its START-CODER and END-CODER lines are not a pair. Delete what is left of it and run this command again.`,
    );
  }
  if (options.dryRun) return void context.io.stdout.write(after);
  if (after === before) {
    return context.note(options.remove ? `${path} has no coder section.` : `${path} is up to date.`);
  }
  await askConsent(
    context,
    options.remove ? `Remove the coder section from ${path}?` : `Update ${path}?`,
    options.yes,
  );
  await replaceFile(path, before, after);
  context.note(
    options.remove
      ? `Removed the coder section from ${path}.`
      : `Updated ${path}. Connect with: ssh <workspace>.${suffix}`,
  );
}

/** The file's content with the updated section; undefined if its current section is damaged. */
async function withSection(context: Context, before: string, options: Options) {
  const { client } = await context.session();
  const server = await client.deploymentSsh().catch((error: unknown) => {
    if (isFleetError(error, "not_found"))
      return { hostname_prefix: "coder.", hostname_suffix: "coder", ssh_config_options: {} };
    throw error;
  });
  const previous = previousOptions(before) ?? { sshOptions: [] };
  const chosen = options.usePreviousOptions ? previous : mergeSectionOptions(previous, optionsOf(options));
  const serverOptions = Object.entries(server.ssh_config_options).map(([name, value]) => `${name} ${value}`);
  const suffix = chosen.hostnameSuffix ?? server.hostname_suffix ?? "coder";
  const section = renderSection({
    options: chosen,
    serverOptions,
    proxyCommand: (flag, value) => proxyCommand(context, options, chosen, [flag, value]),
    prefix: chosen.sshHostPrefix ?? server.hostname_prefix,
    suffix,
  });
  return { after: replaceSection(before, section), suffix };
}

function optionsOf(options: Options): SectionOptions {
  return {
    sshOptions: options.sshOption ?? [],
    sshHostPrefix: options.sshHostPrefix,
    hostnameSuffix: options.hostnameSuffix,
    wait: options.wait,
    disableAutostart: options.disableAutostart,
  };
}

/** The command as SSH runs it: through the user's shell, so words are quoted as needed. */
function proxyCommand(
  context: Context,
  options: Options,
  chosen: SectionOptions,
  last: readonly string[],
): string {
  const words = [
    ...(options.coderBinaryPath ? [absolute(options.coderBinaryPath)] : commandOf(ownProgram())),
    "--global-config",
    resolve(context.config.path),
    ...(context.globals.header ?? []).flatMap((header) => ["--header", header]),
    ...(context.globals.headerCommand ? ["--header-command", context.globals.headerCommand] : []),
    "ssh",
    "--stdio",
    ...(chosen.wait && chosen.wait !== "auto" ? ["--wait", chosen.wait] : []),
    ...(chosen.disableAutostart ? ["--disable-autostart"] : []),
    ...last,
  ];
  return `${words.map(quote).join(" ")} %h`;
}

/** SSH looks up a name without a folder in PATH. */
function absolute(program: string): string {
  return /[\\/]/.test(program) ? resolve(program) : program;
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word)
    ? word.replaceAll("%", "%%")
    : `"${word.replace(/(["\\$`])/g, "\\$1").replaceAll("%", "%%")}"`;
}

async function targetOf(path: string, home: string): Promise<string> {
  const full = resolve(path.replace(/^~(?=\/|$)/, home));
  // Follow a symlink, so that it is preserved.
  return realpath(full).catch(() => full);
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw new FleetError("permission_denied", `${path} cannot be read.`, { cause: error });
  }
}

/** Replaces the file atomically. Keeps a backup beside it, because it is the user's own file. */
async function replaceFile(path: string, before: string, after: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const mode = (await stat(path).catch(() => undefined))?.mode ?? 0o600;
  if (before !== "") await copyFile(path, `${path}.coder-backup`);
  const draft = `${path}.coder.${process.pid}`;
  await writeFile(draft, after, { mode: mode & 0o777 });
  await rename(draft, path);
}
