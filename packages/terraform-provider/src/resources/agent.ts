import { generatedId, type ReadContext, type Resource } from "../definition.js";
import { agentScriptEnvName, runningAgentTokenEnvName } from "../environment.js";
import { atLeast, between, oneOf } from "../rules/checks.js";
import { duplicate } from "../rules/duplicates.js";
import { type Attribute, computed, optional, required } from "../schema/block.js";
import { type Diagnostic, refusal } from "../schema/diagnostic.js";
import { isZero } from "../schema/zero.js";
import { isValues, type Values } from "../wire/value.js";

const DISPLAY_APPS = {
  port_forwarding_helper: optional.bool({ default: true }),
  ssh_helper: optional.bool({ default: true }),
  vscode: optional.bool({ default: true }),
  vscode_insiders: optional.bool({ default: false }),
  web_terminal: optional.bool({ default: true }),
} satisfies Record<string, Attribute>;

const THRESHOLD = { enabled: required.bool(), threshold: required.number({ check: between(0, 100) }) };

/** The program in the workspace through which everything else reaches it. */
export const agent: Resource = {
  version: 1,
  block: {
    attributes: {
      api_key_scope: optional.string({ default: "all", check: oneOf("all", "no_user_data") }),
      arch: required.string({ check: oneOf("amd64", "armv7", "arm64") }),
      auth: optional.string({
        default: "token",
        check: oneOf("token", "google-instance-identity", "aws-instance-identity", "azure-instance-identity"),
      }),
      /** Seconds; 0 waits forever. */
      connection_timeout: optional.number({ default: 120, check: atLeast(0) }),
      dir: optional.string(),
      env: optional.map(),
      id: generatedId,
      init_script: computed.string(),
      motd_file: optional.string(),
      order: optional.number(),
      os: required.string({ check: oneOf("linux", "darwin", "windows") }),
      shutdown_script: optional.string(),
      startup_script: optional.string(),
      startup_script_behavior: optional.string({
        default: "non-blocking",
        check: oneOf("blocking", "non-blocking"),
      }),
      token: computed.string({ sensitive: true }),
      troubleshooting_url: optional.string(),
    },
    blocks: {
      display_apps: { nesting: "set", maxItems: 1, computed: true, block: { attributes: DISPLAY_APPS } },
      metadata: {
        nesting: "list",
        block: {
          attributes: {
            display_name: optional.string(),
            interval: required.number(),
            key: required.string(),
            order: optional.number(),
            script: required.string(),
            timeout: optional.number(),
          },
        },
      },
      resources_monitoring: {
        nesting: "set",
        maxItems: 1,
        block: {
          attributes: {},
          blocks: {
            memory: { nesting: "set", maxItems: 1, block: { attributes: THRESHOLD } },
            volume: {
              nesting: "set",
              block: { attributes: { ...THRESHOLD, path: required.string({ check: checkVolumePath }) } },
            },
          },
        },
      },
    },
  },
  check: checkParts,
  create: (planned, context) => ({
    ...secrets(planned, "", context),
    ...(Array.isArray(planned.display_apps) ? {} : { display_apps: [defaultDisplayApps()] }),
  }),
  read: (state, context) => secrets(state, String(state.id), context),
  // As another agent, it could not be found among several whose tokens are kept.
  stays: ({ id }, env) => env[runningAgentTokenEnvName(String(id))] !== undefined,
};

/** A refresh generates a new token, so that each build's agent has its own, unless the running agent must keep its. */
function secrets(agent: Values, id: string, { env, accessUrl, newId }: ReadContext): Values {
  const token = env[runningAgentTokenEnvName(id)] || env[runningAgentTokenEnvName()] || newId();
  const template = env[agentScriptEnvName(String(agent.os), String(agent.arch))] ?? "";
  const init_script = template
    .replace(/\$\{ACCESS_URL\}/g, () => accessUrl.root)
    .replace(/\$\{AUTH_TYPE\}/g, () => String(agent.auth));
  return { token, init_script };
}

function defaultDisplayApps(): Values {
  return Object.fromEntries(
    Object.entries(DISPLAY_APPS).map(([name, attribute]) => [name, attribute.default ?? null]),
  );
}

function checkVolumePath(path: unknown): string | undefined {
  if (path === "") return `The path of a volume must not be empty.`;
  return String(path).startsWith("/") ? undefined : `The path of a volume must be absolute, not "${path}".`;
}

function checkParts({ metadata, resources_monitoring }: Values): Diagnostic[] {
  const found: Diagnostic[] = [];
  const key = duplicate(metadata, "key");
  if (key)
    found.push(
      refusal(`The metadata key "${key.value}" is used more than once.`, ["metadata", key.index, "key"]),
    );
  const monitoring = Array.isArray(resources_monitoring) ? resources_monitoring[0] : undefined;
  if (isValues(monitoring) && isZero(monitoring.memory ?? null) && isZero(monitoring.volume ?? null)) {
    found.push(refusal(`Set "memory" or "volume".`, ["resources_monitoring"]));
  }
  const volume = isValues(monitoring) ? duplicate(monitoring.volume, "path") : undefined;
  if (volume)
    found.push(
      refusal(`The volume "${volume.value}" is monitored more than once.`, ["resources_monitoring"]),
    );
  return found;
}
