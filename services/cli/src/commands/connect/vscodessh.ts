import { readFile } from "node:fs/promises";
import { FleetError, parseDuration } from "@fleet/base";
import { Command, Option } from "commander";
import type { Context } from "../../context.js";
import { openLastingSsh } from "../../net/lasting-ssh.js";
import { pipeStdio } from "../../net/stdio.js";
import { reachAgent } from "../../workspace/agent.js";
import { createNetworkInfo } from "./network-info.js";

type Options = {
  networkInfoDir?: string;
  networkInfoInterval: string;
  sessionTokenFile: string;
  urlFile: string;
  wait: "yes" | "no" | "auto";
};

/**
 * ProxyCommand of older editor extensions, without host prefixes: its host is
 * `coder-vscode--<owner>--<workspace>[--<agent>]`.
 */
export function vscodeSshCommand(context: Context): Command {
  return new Command("vscodessh")
    .argument("<host>")
    .option("--network-info-dir <dir>")
    .option("--network-info-interval <duration>", "", "5s")
    .requiredOption("--session-token-file <file>")
    .requiredOption("--url-file <file>")
    .option("--log-dir <dir>")
    .addOption(new Option("--wait <when>").choices(["yes", "no", "auto"]).default("auto"))
    .action(async (host: string, options: Options) => {
      const intervalMs = parseDuration(options.networkInfoInterval);
      const name = nameOf(host);
      const [url, token] = await Promise.all([
        readFile(options.urlFile, "utf8"),
        readFile(options.sessionTokenFile, "utf8"),
      ]);
      context.configure({ ...context.globals, url: url.trim(), token: token.trim() });
      const session = await context.session();
      const { agent, workspace } = await reachAgent(context, name, {
        autostart: true,
        reason: "vscode_connection",
        wait: options.wait,
      });
      const { stream } = await openLastingSsh({
        context,
        session,
        workspaceId: workspace.id,
        agentId: agent.id,
        stdio: true,
      });
      if (options.networkInfoDir) {
        const info = createNetworkInfo({
          dir: options.networkInfoDir,
          intervalMs,
          stream,
          session,
          context,
        });
        context.onClose(() => info.close());
      }
      await pipeStdio(stream, context.io);
    });
}

function nameOf(host: string): string {
  const match = /^coder-vscode(?:\.[^-]+(?:-[^-]+)*)?--(.+)$/.exec(host);
  if (match) return match[1]!;
  throw new FleetError(
    "invalid_argument",
    `"${host}" is not a host name of VS Code. Format: coder-vscode--<owner>--<workspace>`,
  );
}
