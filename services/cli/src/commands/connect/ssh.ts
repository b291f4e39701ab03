import { FleetError, parseDuration } from "@fleet/base";
import type { BuildReason } from "@fleet/sdk";
import { nameOfHost } from "@fleet/sdk/browser";
import { Command, Option } from "commander";
import type { Context, Session } from "../../context.js";
import { ExitStatus } from "../../exit-status.js";
import { openLastingSsh } from "../../net/lasting-ssh.js";
import type { RemoteForward } from "../../net/remote-forward.js";
import { pipeStdio } from "../../net/stdio.js";
import { isPair, listOf } from "../../ui/list-option.js";
import { reachAgent } from "../../workspace/agent.js";
import { createConnectionLog } from "./connection-log.js";
import { parseRemoteForward } from "./forward-spec.js";
import { createNetworkInfo } from "./network-info.js";

type Options = {
  stdio?: boolean;
  sshHostPrefix?: string;
  hostnameSuffix?: string;
  forwardAgent?: boolean;
  forwardGpg?: boolean;
  identityAgent?: string;
  wait: "yes" | "no" | "auto" | boolean;
  logDir?: string;
  remoteForward?: string[];
  env?: string[];
  networkInfoDir?: string;
  networkInfoInterval: string;
  disableAutostart?: boolean;
  usageApp?: "vscode" | "jetbrains" | "ssh" | "reconnecting-pty" | "disabled";
};

const USAGE_INTERVAL_MS = 60_000;

/**
 * Options end at the remote command, as with OpenSSH: they may precede or directly follow the workspace. Everything
 * after the command's first word belongs to the command.
 */
class SshCommand extends Command {
  override parseOptions(argv: string[]) {
    const parsed = super.parseOptions(argv);
    const rest = parsed.operands.slice(1);
    if (!rest[0]?.startsWith("-")) return parsed;
    const operands = parsed.operands.slice(0, 1);
    const separator = argv.indexOf("--");
    // Handles `-- workspace command`, where everything is an operand, and `workspace -- command`.
    if (separator >= 0 && separator < argv.length - rest.length) return parsed;
    if (rest[0] === "--") return { ...parsed, operands: [...operands, ...rest.slice(1)] };
    const more = super.parseOptions(rest);
    return { operands: [...operands, ...more.operands], unknown: [...parsed.unknown, ...more.unknown] };
  }
}

export function sshCommand(context: Context): Command {
  return (
    new SshCommand("ssh")
      .summary("Open a shell in a workspace, or run a command in it")
      .description(
        "Open a shell in a workspace, or run a command in it. Starts the workspace if it is stopped.",
      )
      .usage("[options] <workspace> [command...]")
      .argument("<workspace>", "[owner/]workspace[.agent]")
      .argument("[command...]", "Command to run instead of a shell")
      .passThroughOptions()
      .addOption(
        new Option(
          "--stdio",
          "Connect standard input and output to the workspace's SSH server, for use as a ProxyCommand",
        ).env("CODER_SSH_STDIO"),
      )
      .addOption(
        new Option(
          "--ssh-host-prefix <prefix>",
          "Strip this prefix from the host name to get the workspace",
        ).env("CODER_SSH_SSH_HOST_PREFIX"),
      )
      .addOption(
        new Option(
          "--hostname-suffix <suffix>",
          "Strip this suffix from the host name to get the workspace",
        ).env("CODER_SSH_HOSTNAME_SUFFIX"),
      )
      .addOption(new Option("-A, --forward-agent", "Forward the SSH agent").env("CODER_SSH_FORWARD_AGENT"))
      .addOption(new Option("-G, --forward-gpg").env("CODER_SSH_FORWARD_GPG").hideHelp())
      .addOption(
        new Option(
          "--identity-agent <socket>",
          "Socket of the SSH agent to forward (default: $SSH_AUTH_SOCK)",
        ).env("CODER_SSH_IDENTITY_AGENT"),
      )
      .addOption(
        new Option("--wait <when>", "Wait for the startup scripts; auto waits for those that block logins")
          .env("CODER_SSH_WAIT")
          .choices(["yes", "no", "auto"])
          .default("auto"),
      )
      .addOption(new Option("--no-wait", "Same as --wait=no").env("CODER_SSH_NO_WAIT"))
      .addOption(
        new Option(
          "-R, --remote-forward <spec>",
          "Forward a port or socket of the workspace to this machine, as remote_port:local_host:local_port (repeatable)",
        )
          .env("CODER_SSH_REMOTE_FORWARD")
          .argParser(listOf()),
      )
      .addOption(
        new Option("-e, --env <name=value>", "Set an environment variable for the session (repeatable)")
          .env("CODER_SSH_ENV")
          .argParser(listOf(isPair)),
      )
      .addOption(
        new Option("-l, --log-dir <dir>", "Write a log of the connection to a file in this directory").env(
          "CODER_SSH_LOG_DIR",
        ),
      )
      .addOption(
        new Option(
          "--network-info-dir <dir>",
          "Write network statistics to <pid>.json in this directory, for editors",
        ).env("CODER_SSH_NETWORK_INFO_DIR"),
      )
      .addOption(
        new Option("--network-info-interval <duration>", "How often to write network statistics")
          .env("CODER_SSH_NETWORK_INFO_INTERVAL")
          .default("5s"),
      )
      .addOption(
        new Option("--disable-autostart", "Do not start a stopped workspace").env(
          "CODER_SSH_DISABLE_AUTOSTART",
        ),
      )
      .addOption(
        new Option("--usage-app <app>", "Kind of session to report")
          .env("CODER_SSH_USAGE_APP")
          .choices(["vscode", "jetbrains", "ssh", "reconnecting-pty", "disabled"])
          .hideHelp(),
      )
      // The agent reports its own shutdown, so polling is unnecessary.
      .addOption(
        new Option("--workspace-poll-interval <duration>").env("CODER_WORKSPACE_POLL_INTERVAL").hideHelp(),
      )
      .action((host: string, words: string[], options: Options, command: Command) => {
        const plan = planOf(options, words, (name) => command.getOptionValueSource(name) === "cli");
        return ssh(context, host, plan, options);
      })
  );
}

/** The parsed options, before anything is opened. */
type Plan = {
  /** The remote command; undefined for a login shell. */
  command: string | undefined;
  env: Record<string, string>;
  remoteForwards: RemoteForward[];
  networkInfoIntervalMs: number;
};

/** Throws `invalid_argument` or `unimplemented` for unsupported combinations. */
function planOf(options: Options, words: readonly string[], isTyped: (option: string) => boolean): Plan {
  if (options.forwardGpg) {
    throw new FleetError(
      "unimplemented",
      "GPG agent forwarding (--forward-gpg) is not supported. Forward the socket of the agent instead: coder ssh -R <remote socket>:<local socket>",
    );
  }
  if (options.stdio) {
    const flags = { remoteForward: "--remote-forward", env: "--env", forwardAgent: "--forward-agent" };
    const [refused] = Object.entries(flags).flatMap(([name, flag]) => (isTyped(name) ? [flag] : []));
    const what = refused ?? (words.length > 0 ? "a command" : undefined);
    if (what) {
      throw new FleetError(
        "invalid_argument",
        `--stdio cannot be combined with ${what}. Give that to the SSH client that runs this one.`,
      );
    }
  }
  return {
    command: words.length > 0 ? words.join(" ") : undefined,
    env: environmentOf(options.env ?? []),
    remoteForwards: (options.remoteForward ?? []).map(parseRemoteForward),
    networkInfoIntervalMs: parseDuration(options.networkInfoInterval),
  };
}

async function ssh(context: Context, host: string, plan: Plan, options: Options): Promise<void> {
  const session = await context.session();
  const log = options.logDir ? await createConnectionLog(options.logDir, context.clock) : undefined;
  context.onClose(() => log?.("The connection has ended."));
  log?.(`Connecting to ${host} of ${session.url}.`);
  const { workspace, agent } = await reachAgent(
    context,
    nameOfHost(host, options.sshHostPrefix, options.hostnameSuffix),
    {
      autostart: !options.disableAutostart,
      reason: reasonOf(options.usageApp),
      wait: options.wait === false ? "no" : options.wait === true ? "auto" : options.wait,
    },
  );
  reportUsage(context, session, workspace.id, agent.id, options.usageApp ?? "ssh");
  const { stream, resumable, onRepaint } = await openLastingSsh({
    context,
    session,
    workspaceId: workspace.id,
    agentId: agent.id,
    stdio: options.stdio ?? false,
  });
  log?.(`Connected to the agent ${agent.name} of ${workspace.owner_name}/${workspace.name}.`);
  stream.on("error", (error) => log?.(`The stream failed: ${error.message}.`));
  if (options.networkInfoDir) {
    const info = createNetworkInfo({
      dir: options.networkInfoDir,
      intervalMs: plan.networkInfoIntervalMs,
      stream,
      session,
      context,
    });
    context.onClose(() => info.close());
  }
  if (options.stdio) return pipeStdio(stream, context.io);
  // Loaded on demand: a ProxyCommand starts faster without an SSH client.
  const { runSession } = await import("../../net/ssh-session.js");
  const status = await runSession(stream, context.io, {
    command: plan.command,
    env: plan.env,
    agentSocket: options.forwardAgent ? agentSocketOf(context, options) : undefined,
    hostKey: agent.ssh_host_public_key,
    remoteForwards: plan.remoteForwards,
    resumable,
    onRepaint,
    note: context.note,
  });
  if (status !== 0) throw new ExitStatus(status);
}

/** Socket of the user's SSH agent. Only warns if there is none, because the session works without it. */
function agentSocketOf(context: Context, { identityAgent }: Options): string | undefined {
  const socket = identityAgent ?? context.io.env.SSH_AUTH_SOCK;
  if (!socket) {
    context.note(context.colors.yellow("No SSH agent to forward: SSH_AUTH_SOCK is not set."));
  }
  return socket;
}

function environmentOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const cut = pair.indexOf("=");
      if (cut < 1) {
        throw new FleetError(
          "invalid_argument",
          `"${pair}" is not an environment variable. Format: --env NAME=value`,
        );
      }
      return [pair.slice(0, cut), pair.slice(cut + 1)];
    }),
  );
}

function reasonOf(app: Options["usageApp"]): BuildReason {
  if (app === "vscode") return "vscode_connection";
  return app === "jetbrains" ? "jetbrains_connection" : "ssh_connection";
}

/** Reports once a minute that the workspace is in use, which extends its deadline. Failures do not end the session. */
function reportUsage(
  context: Context,
  { client }: Session,
  workspace: string,
  agent_id: string,
  app: NonNullable<Options["usageApp"]>,
): void {
  if (app === "disabled") return;
  const report = () => {
    client.workspaceUsage({ params: { workspace }, body: { agent_id, app_name: app } }).catch(() => {});
  };
  report();
  const timer = context.clock.every(USAGE_INTERVAL_MS, report);
  context.onClose(() => timer.cancel());
}
