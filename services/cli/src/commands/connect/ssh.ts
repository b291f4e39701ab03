import { Command, Option } from "commander";
import type { Context, Session } from "../../context.js";
import { ExitStatus } from "../../exit-status.js";
import { openLastingSsh } from "../../net/lasting-ssh.js";
import { pipeStdio } from "../../net/stdio.js";
import { reachAgent } from "../../workspace/agent.js";
import { nameOfHost } from "../../workspace/name.js";
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

function list(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

export function sshCommand(context: Context): Command {
  return (
    new Command("ssh")
      .description(
        "Open a shell in a workspace, or run a command there; starts the workspace where it is stopped",
      )
      .argument("<workspace>", "[owner/]workspace[.agent]")
      .argument("[command...]", "command to run; put -- before one that has flags")
      .addOption(
        new Option("--stdio", "connect standard input and output to the SSH server").env("CODER_SSH_STDIO"),
      )
      .addOption(
        new Option("--ssh-host-prefix <prefix>", "prefix to take off the workspace's name").env(
          "CODER_SSH_SSH_HOST_PREFIX",
        ),
      )
      .addOption(
        new Option("--hostname-suffix <suffix>", "suffix to take off the workspace's name").env(
          "CODER_SSH_HOSTNAME_SUFFIX",
        ),
      )
      .addOption(new Option("-A, --forward-agent", "forward your SSH agent").env("CODER_SSH_FORWARD_AGENT"))
      .addOption(new Option("-G, --forward-gpg").env("CODER_SSH_FORWARD_GPG").hideHelp())
      .addOption(
        new Option(
          "--identity-agent <socket>",
          "socket of the SSH agent to forward; SSH_AUTH_SOCK when left out",
        ).env("CODER_SSH_IDENTITY_AGENT"),
      )
      .addOption(
        new Option("--wait <when>", "whether to wait for the startup scripts; auto: where they block logins")
          .env("CODER_SSH_WAIT")
          .choices(["yes", "no", "auto"])
          .default("auto"),
      )
      .addOption(new Option("--no-wait", "the same as --wait=no").env("CODER_SSH_NO_WAIT"))
      .addOption(
        new Option("-R, --remote-forward <spec>", "remote_port:local_host:local_port; repeatable")
          .env("CODER_SSH_REMOTE_FORWARD")
          .argParser(list),
      )
      .addOption(
        new Option("-e, --env <name=value>", "environment variable for the session; repeatable")
          .env("CODER_SSH_ENV")
          .argParser(list),
      )
      .addOption(
        new Option("-l, --log-dir <dir>", "folder for a log of this connection").env("CODER_SSH_LOG_DIR"),
      )
      .addOption(
        new Option(
          "--network-info-dir <dir>",
          "folder to keep <pid>.json with the connection's figures in",
        ).env("CODER_SSH_NETWORK_INFO_DIR"),
      )
      .addOption(
        new Option("--network-info-interval <duration>", "how often to write them")
          .env("CODER_SSH_NETWORK_INFO_INTERVAL")
          .default("5s"),
      )
      .addOption(
        new Option("--disable-autostart", "do not start a workspace that is stopped").env(
          "CODER_SSH_DISABLE_AUTOSTART",
        ),
      )
      .addOption(
        new Option("--usage-app <app>", "what the session counts as")
          .env("CODER_SSH_USAGE_APP")
          .choices(["vscode", "jetbrains", "ssh", "reconnecting-pty", "disabled"])
          .hideHelp(),
      )
      // The agent tells the server when it goes; nothing has to be polled for.
      .addOption(
        new Option("--workspace-poll-interval <duration>").env("CODER_WORKSPACE_POLL_INTERVAL").hideHelp(),
      )
      .action((host: string, words: string[], options: Options) => ssh(context, host, words, options))
  );
}

async function ssh(context: Context, host: string, words: string[], options: Options): Promise<void> {
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
      intervalText: options.networkInfoInterval,
      stream,
      session,
      context,
    });
    context.onClose(() => info.close());
  }
  if (options.stdio) return pipeStdio(stream, context.io);
  // Loaded here only: a ProxyCommand starts quicker without an SSH client.
  const { runSession } = await import("../../net/ssh-session.js");
  const status = await runSession(stream, context.io, {
    command: words.length > 0 ? words.join(" ") : undefined,
    env: environmentOf(options.env),
    agentSocket: options.forwardAgent ? (options.identityAgent ?? context.io.env.SSH_AUTH_SOCK) : undefined,
    hostKey: agent.ssh_host_public_key,
    remoteForwards: (options.remoteForward ?? []).map(parseRemoteForward),
    resumable,
    onRepaint,
    note: context.note,
  });
  if (status !== 0) throw new ExitStatus(status);
}

function environmentOf(pairs: readonly string[] | undefined): Record<string, string> {
  return Object.fromEntries(
    (pairs ?? []).map((pair) => {
      const cut = pair.indexOf("=");
      return cut < 0 ? [pair, ""] : [pair.slice(0, cut), pair.slice(cut + 1)];
    }),
  );
}

function reasonOf(app: Options["usageApp"]): string {
  if (app === "vscode") return "vscode_connection";
  return app === "jetbrains" ? "jetbrains_connection" : "ssh_connection";
}

/** Says once a minute that the workspace is in use, which keeps it from stopping. A failure is not worth ending a session for. */
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
