import { existsSync } from "node:fs";
import { join } from "node:path";
import { FleetError } from "@fleet/base";
import { folderOf, ownProgram, type Program } from "@fleet/base/own-program";
import { Command, Option } from "commander";
import { type Context, headersFor } from "../../context.js";
import { isPair, listOf } from "../../ui/list-option.js";
import { parseTags } from "./tags.js";

/** The single executable runs the daemon if this is its first argument. */
const DAEMON = "provisionerd";
/** Where logs go unless another place is named: a person who starts a daemon reads them. */
const STANDARD_ERROR = "/dev/stderr";

type StartOptions = {
  tag?: string[];
  org?: string;
  name?: string;
  psk?: string;
  key?: string;
  cacheDir?: string;
  verbose?: boolean;
  logHuman?: string;
  logJson?: string;
  prometheusEnable?: boolean;
  prometheusAddress?: string;
};

export function startCommand(context: Context): Command {
  const ignored = "Ignored; accepted for compatibility";
  return new Command("start")
    .description(
      "Run a provisioner daemon on this machine. It connects to the deployment's URL only; SIGTERM waits for running jobs, a second one or Ctrl-C cancels them.",
    )
    .option(
      "-t, --tag <key=value>",
      "Tag of the daemon (repeatable) [$CODER_PROVISIONERD_TAGS]",
      listOf(isPair),
    )
    .option("-O, --org <organization>", "Organization name or ID [$CODER_ORGANIZATION]")
    .option("--name <name>", "Name of the daemon (default: the host's name) [$CODER_PROVISIONER_DAEMON_NAME]")
    .option("--psk <key>", "Pre-shared key of the deployment [$CODER_PROVISIONER_DAEMON_PSK]")
    .option(
      "--key <key>",
      "Provisioner key, from `coder provisioner keys create` [$CODER_PROVISIONER_DAEMON_KEY]",
    )
    .option(
      "-c, --cache-dir <folder>",
      "Directory for downloads and Terraform providers (default: ~/.cache/coder) [$CODER_CACHE_DIRECTORY]",
    )
    .addOption(new Option("--verbose", "Log debug messages").env("CODER_PROVISIONER_DAEMON_VERBOSE"))
    .addOption(
      new Option(
        "--log-human <file>",
        `Write human-readable logs to this file (default: ${STANDARD_ERROR})`,
      ).env("CODER_PROVISIONER_DAEMON_LOGGING_HUMAN"),
    )
    .addOption(
      new Option("--log-json <file>", `Write JSON logs instead; only to ${STANDARD_ERROR}`).env(
        "CODER_PROVISIONER_DAEMON_LOGGING_JSON",
      ),
    )
    .option("--prometheus-enable", "Serve Prometheus metrics [$CODER_PROMETHEUS_ENABLE]")
    .option(
      "--prometheus-address <address>",
      "Address to serve metrics on (default: 127.0.0.1:2112) [$CODER_PROMETHEUS_ADDRESS]",
    )
    .addOption(new Option("--poll-interval <duration>", ignored).env("CODER_PROVISIONERD_POLL_INTERVAL"))
    .addOption(new Option("--poll-jitter <duration>", ignored).env("CODER_PROVISIONERD_POLL_JITTER"))
    .action(async (options: StartOptions) => {
      const env = { ...context.io.env, ...(await settingsOf(context, options)) };
      const command = commandOf(ownProgram());
      if (!context.io.become) {
        throw new FleetError(
          "failed_precondition",
          "Provisioner daemons run on Linux and macOS. Start one there, or in WSL.",
        );
      }
      context.io.become(command, env);
    });
}

/** The daemon's program: in the single executable itself, otherwise the bundle beside the command line's. */
function commandOf(program: Program): string[] {
  if (program.script === undefined) return [program.execPath, DAEMON];
  const bundle = join(folderOf(program), "provisionerd.js");
  if (existsSync(bundle)) return [program.execPath, "--disable-warning=DeprecationWarning", bundle];
  throw new FleetError(
    "failed_precondition",
    "provisionerd.js was not found next to this program. Use the executable that the deployment serves at /bin.",
  );
}

/** The daemon's settings, as environment variables; undefined removes one. */
async function settingsOf(
  context: Context,
  options: StartOptions,
): Promise<Record<string, string | undefined>> {
  const { env } = context.io;
  const key = options.key ?? env.CODER_PROVISIONER_DAEMON_KEY;
  const psk = options.psk ?? env.CODER_PROVISIONER_DAEMON_PSK;
  if (key && psk) {
    throw new FleetError("invalid_argument", "Use either --key or --psk (or one of their variables).");
  }
  const session = key || psk ? undefined : await context.session();
  const url = session?.url ?? (await context.url());
  const headers = session?.headers ?? (await headersFor(context, url));
  const organization = session && !options.org ? (await context.organization()).name : options.org;
  const given = (value: string | undefined, name: string) => (value === undefined ? {} : { [name]: value });
  return {
    CODER_URL: url,
    // The daemon is outside of the deployment's network, whatever this machine's environment says.
    CODER_PROVISIONERD_CODERD_ADDRESS: undefined,
    CODER_REDIS_URL: undefined,
    CODER_PROVISIONER_DAEMON_KEY: key || undefined,
    CODER_PROVISIONER_DAEMON_PSK: psk || undefined,
    CODER_SESSION_TOKEN: session?.token,
    CODER_HEADER: listOfHeaders(headers),
    ...given(options.tag && tagsOf(options.tag), "CODER_PROVISIONERD_TAGS"),
    ...given(organization, "CODER_ORGANIZATION"),
    ...given(options.name, "CODER_PROVISIONER_DAEMON_NAME"),
    ...given(options.cacheDir, "CODER_CACHE_DIRECTORY"),
    ...given(options.prometheusEnable ? "true" : undefined, "CODER_PROMETHEUS_ENABLE"),
    ...given(options.prometheusAddress, "CODER_PROMETHEUS_ADDRESS"),
    ...given(options.verbose || context.globals.verbose ? "true" : undefined, "CODER_VERBOSE"),
    CODER_LOGGING_HUMAN: logFileOf(options, env.CODER_LOGGING_HUMAN),
  };
}

/** The file of human-readable logs; undefined for JSON on standard error. */
function logFileOf({ logHuman, logJson }: StartOptions, configured: string | undefined): string | undefined {
  if (logJson === undefined) return logHuman ?? configured ?? STANDARD_ERROR;
  if (logJson === STANDARD_ERROR && logHuman === undefined) return undefined;
  throw new FleetError(
    "invalid_argument",
    `JSON logs are written to ${STANDARD_ERROR} only, and not together with human-readable ones. Redirect standard error to write them to a file.`,
  );
}

function tagsOf(tags: string[]): string {
  return listOfPairs("tag", parseTags(tags));
}

function listOfHeaders(headers: Record<string, string>): string | undefined {
  return Object.keys(headers).length > 0 ? listOfPairs("header", headers) : undefined;
}

/** Pairs as the daemon's settings hold them: separated by commas. */
function listOfPairs(what: string, pairs: Record<string, string>): string {
  const comma = Object.entries(pairs).find((pair) => pair.some((text) => text.includes(",")));
  if (comma) throw new FleetError("invalid_argument", `The ${what} "${comma[0]}" must not contain a comma.`);
  return Object.entries(pairs)
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
}
