import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type AgentSchema,
  type AppSchema,
  type DevcontainerSchema,
  type ScriptSchema,
  SharingLevel,
} from "@fleet/proto-gen/provisioner";
import type { Instance } from "./instances.js";
import { blocks, flag, integer, number, strings, text } from "./values.js";

/** What apps, scripts and variables belong to: an agent, or the agent inside a dev container. */
export type OwnerInit = {
  name: string;
  /** Variables of the agent itself. */
  environment?: Record<string, string>;
  apps: MessageInitShape<typeof AppSchema>[];
  scripts: MessageInitShape<typeof ScriptSchema>[];
  extraEnvs: { name: string; value: string; mergeStrategy: string }[];
};
export type DevcontainerInit = MessageInitShape<typeof DevcontainerSchema> & OwnerInit;
export type AgentInit = MessageInitShape<typeof AgentSchema> &
  OwnerInit & { devcontainers: DevcontainerInit[] };

const SHARING: Record<string, SharingLevel> = {
  owner: SharingLevel.OWNER,
  authenticated: SharingLevel.AUTHENTICATED,
  public: SharingLevel.PUBLIC,
  organization: SharingLevel.ORGANIZATION,
};

/** A coder_agent without what other resources add to it. */
export function agentOf({ name, values }: Instance): AgentInit {
  const [display] = blocks(values, "display_apps");
  const [monitoring] = blocks(values, "resources_monitoring");
  const [memory] = blocks(monitoring, "memory");
  const token = text(values, "auth") === "token" || text(values, "auth") === "" ? text(values, "token") : "";
  return {
    id: text(values, "id"),
    name,
    operatingSystem: text(values, "os"),
    architecture: text(values, "arch"),
    directory: text(values, "dir"),
    environment: strings(values, "env"),
    auth: token === "" ? { case: undefined } : { case: "token", value: token },
    connectionTimeoutSeconds: number(values, "connection_timeout"),
    troubleshootingUrl: text(values, "troubleshooting_url"),
    motdFile: text(values, "motd_file"),
    order: integer(values, "order"),
    apiKeyScope: text(values, "api_key_scope"),
    displayApps: {
      vscode: flag(display ?? {}, "vscode", true),
      vscodeInsiders: flag(display ?? {}, "vscode_insiders"),
      webTerminal: flag(display ?? {}, "web_terminal", true),
      sshHelper: flag(display ?? {}, "ssh_helper", true),
      portForwardingHelper: flag(display ?? {}, "port_forwarding_helper", true),
    },
    metadata: blocks(values, "metadata").map((item) => ({
      key: text(item, "key"),
      displayName: text(item, "display_name"),
      script: text(item, "script"),
      intervalSeconds: integer(item, "interval"),
      timeoutSeconds: integer(item, "timeout"),
      order: integer(item, "order"),
    })),
    resourcesMonitoring: monitoring && {
      memory: memory && { enabled: flag(memory, "enabled"), threshold: number(memory, "threshold") },
      volumes: blocks(monitoring, "volume").map((volume) => ({
        path: text(volume, "path"),
        enabled: flag(volume, "enabled"),
        threshold: number(volume, "threshold"),
      })),
    },
    apps: [],
    scripts: scriptsOfAgent(values),
    extraEnvs: [],
    devcontainers: [],
  };
}

/** A coder_devcontainer without what other resources add to its sub-agent. */
export function devcontainerOf({ name, values }: Instance): DevcontainerInit {
  return {
    name,
    workspaceFolder: text(values, "workspace_folder"),
    configPath: text(values, "config_path"),
    subagentId: text(values, "subagent_id"),
    apps: [],
    scripts: [],
    extraEnvs: [],
  };
}

/** `startup_script` and `shutdown_script` are treated as scripts like those of coder_script. */
function scriptsOfAgent(values: Instance["values"]): AgentInit["scripts"] {
  const scripts: AgentInit["scripts"] = [];
  const startup = text(values, "startup_script");
  if (startup !== "") {
    scripts.push({
      displayName: "Startup Script",
      icon: "/emojis/25b6.png",
      logPath: "coder-startup-script.log",
      script: startup,
      runOnStart: true,
      startBlocksLogin: text(values, "startup_script_behavior") === "blocking",
    });
  }
  const shutdown = text(values, "shutdown_script");
  if (shutdown !== "") {
    scripts.push({
      displayName: "Shutdown Script",
      icon: "/emojis/25c0.png",
      logPath: "coder-shutdown-script.log",
      script: shutdown,
      runOnStop: true,
    });
  }
  return scripts;
}

export function appOf({ values }: Instance): AgentInit["apps"][number] {
  const slug = text(values, "slug");
  const [healthcheck] = blocks(values, "healthcheck");
  return {
    id: text(values, "id"),
    slug,
    displayName: text(values, "display_name") || slug,
    command: text(values, "command"),
    url: text(values, "url"),
    icon: text(values, "icon"),
    subdomain: flag(values, "subdomain"),
    healthcheck: healthcheck && {
      url: text(healthcheck, "url"),
      intervalSeconds: number(healthcheck, "interval"),
      threshold: number(healthcheck, "threshold"),
    },
    sharingLevel: SHARING[text(values, "share")] ?? SharingLevel.OWNER,
    external: flag(values, "external"),
    order: integer(values, "order"),
    hidden: flag(values, "hidden"),
    openIn: text(values, "open_in"),
    group: text(values, "group"),
    tooltip: text(values, "tooltip"),
  };
}

export function scriptOf({ address, values }: Instance) {
  return {
    address,
    displayName: text(values, "display_name"),
    icon: text(values, "icon"),
    script: text(values, "script"),
    cron: text(values, "cron"),
    startBlocksLogin: flag(values, "start_blocks_login"),
    runOnStart: flag(values, "run_on_start"),
    runOnStop: flag(values, "run_on_stop"),
    timeoutSeconds: number(values, "timeout"),
    logPath: text(values, "log_path"),
    /** The scripts that it waits for. */
    after: [] as { address: string; anyOutcome: boolean }[],
  };
}

export function envOf({ values }: Instance): AgentInit["extraEnvs"][number] {
  return {
    name: text(values, "name"),
    value: text(values, "value"),
    mergeStrategy: text(values, "merge_strategy") || "replace",
  };
}
