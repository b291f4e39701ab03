import { mkdir, readFile, realpath, rename, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, resolve } from "node:path";
import { FleetError, isFleetError } from "@fleet/base";
import { Command, Option } from "commander";
import type { Context } from "../../context.js";
import { askConsent } from "../../ui/prompt.js";
import { previousOptions, renderSection, replaceSection, type SectionOptions } from "./ssh-config-text.js";

type Options = {
  sshConfigFile: string;
  coderBinaryPath?: string;
  sshOption?: string[];
  dryRun?: boolean;
  usePreviousOptions?: boolean;
  sshHostPrefix?: string;
  hostnameSuffix?: string;
  wait: "yes" | "no" | "auto";
  disableAutostart?: boolean;
  yes?: boolean;
};

function list(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

export function configSshCommand(context: Context): Command {
  return new Command("config-ssh")
    .description(
      'Set up your SSH configuration, so that "ssh <workspace>.coder" and your editor reach workspaces',
    )
    .addOption(
      new Option("--ssh-config-file <file>", "file to change")
        .env("CODER_SSH_CONFIG_FILE")
        .default("~/.ssh/config"),
    )
    .addOption(
      new Option("--coder-binary-path <path>", "program that SSH runs; this one when left out").env(
        "CODER_SSH_CONFIG_BINARY_PATH",
      ),
    )
    .addOption(
      new Option("-o, --ssh-option <option>", "SSH option for the hosts, like ForwardAgent=yes; repeatable")
        .env("CODER_SSH_CONFIG_OPTS")
        .argParser(list),
    )
    .addOption(new Option("-n, --dry-run", "print what would be written").env("CODER_SSH_DRY_RUN"))
    .addOption(
      new Option("--use-previous-options", "take the options of the last time").env(
        "CODER_SSH_USE_PREVIOUS_OPTIONS",
      ),
    )
    .addOption(
      new Option("--ssh-host-prefix <prefix>", "prefix of the hosts; the deployment's when left out").env(
        "CODER_CONFIGSSH_SSH_HOST_PREFIX",
      ),
    )
    .addOption(
      new Option("--hostname-suffix <suffix>", "suffix of the hosts; the deployment's when left out").env(
        "CODER_CONFIGSSH_HOSTNAME_SUFFIX",
      ),
    )
    .addOption(
      new Option("--wait <when>", "whether a session waits for the startup scripts")
        .env("CODER_CONFIGSSH_WAIT")
        .choices(["yes", "no", "auto"])
        .default("auto"),
    )
    .addOption(
      new Option("--disable-autostart", "connecting does not start a stopped workspace").env(
        "CODER_CONFIGSSH_DISABLE_AUTOSTART",
      ),
    )
    .option("-y, --yes", "do not ask")
    .action((options: Options) => configSsh(context, options));
}

async function configSsh(context: Context, options: Options): Promise<void> {
  const { client } = await context.session();
  const server = await client.deploymentSsh().catch((error: unknown) => {
    if (isFleetError(error, "not_found"))
      return { hostname_prefix: "coder.", hostname_suffix: "coder", ssh_config_options: {} };
    throw error;
  });
  const path = await targetOf(options.sshConfigFile, context.io.env.HOME || homedir());
  const before = await readIfThere(path);
  const chosen = (options.usePreviousOptions && previousOptions(before)) || optionsOf(options);
  const serverOptions = Object.entries(server.ssh_config_options).map(([name, value]) => `${name} ${value}`);
  const section = renderSection({
    options: chosen,
    serverOptions,
    proxyCommand: (flag) => proxyCommand(context, options, chosen, flag),
    prefix: chosen.sshHostPrefix ?? server.hostname_prefix,
    suffix: chosen.hostnameSuffix ?? server.hostname_suffix ?? "coder",
  });
  const after = replaceSection(before, section);
  if (after === undefined) {
    throw new FleetError(
      "failed_precondition",
      `The coder section of ${path} has lost one of its two fences. Remove what is left of it, and run this again.`,
    );
  }
  if (options.dryRun) return context.print(after);
  if (after === before) return context.note(`${path} is up to date.`);
  await askConsent(context, `Change ${path}?`, options.yes);
  await replaceFile(path, after);
  const suffix = chosen.hostnameSuffix ?? server.hostname_suffix ?? "coder";
  context.note(`${path} is set up. Connect with: ssh <workspace>.${suffix}`);
}

function optionsOf(options: Options): SectionOptions {
  return {
    sshOptions: typeof options.sshOption === "string" ? [options.sshOption] : (options.sshOption ?? []),
    sshHostPrefix: options.sshHostPrefix,
    hostnameSuffix: options.hostnameSuffix,
    wait: options.wait,
    disableAutostart: options.disableAutostart,
  };
}

/** The command as SSH runs it: through the user's shell, so each word is quoted where it has to be. */
function proxyCommand(context: Context, options: Options, chosen: SectionOptions, flag: string): string {
  const words = [
    ...(options.coderBinaryPath ? [options.coderBinaryPath] : ownCommand()),
    "--global-config",
    resolve(context.config.path),
    ...(context.globals.headerCommand ? ["--header-command", context.globals.headerCommand] : []),
    "ssh",
    "--stdio",
    ...(chosen.wait && chosen.wait !== "auto" ? ["--wait", chosen.wait] : []),
    ...(chosen.disableAutostart ? ["--disable-autostart"] : []),
  ];
  return `${words.map(quote).join(" ")} ${flag}`;
}

/** How this program was started: an executable by itself, or node with a bundle. */
function ownCommand(): string[] {
  const script = process.argv[1];
  return script && resolve(script) !== process.execPath
    ? [process.execPath, resolve(script)]
    : [process.execPath];
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word)
    ? word.replaceAll("%", "%%")
    : `"${word.replace(/(["\\$`])/g, "\\$1").replaceAll("%", "%%")}"`;
}

async function targetOf(path: string, home: string): Promise<string> {
  const full = resolve(path.replace(/^~(?=\/|$)/, home));
  // A link is followed, so that it stays one.
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

async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const mode = (await stat(path).catch(() => undefined))?.mode ?? 0o600;
  const draft = `${path}.coder.${process.pid}`;
  await writeFile(draft, text, { mode: mode & 0o777 });
  await rename(draft, path);
}
