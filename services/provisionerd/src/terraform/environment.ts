import { accessSync, constants } from "node:fs";
import { create } from "@bufbuild/protobuf";
import type { Logger } from "@fleet/base";
import { isPrivate } from "@fleet/base/private-environment";
import { type Metadata, MetadataSchema, Transition } from "@fleet/proto-gen/provisioner";
import { AGENT_PLATFORMS, agentScript, agentTokensOf, type PlanRequest } from "@fleet/provisionersdk";
import {
  agentScriptEnvName,
  externalAuthEnvName,
  parameterEnvName,
  previousParameterEnvName,
  runningAgentTokenEnvName,
  secretEnvName,
  secretFileEnvName,
} from "@fleet/terraform-provider";

type Variables = Readonly<Record<string, string | undefined>>;

const TRANSITIONS: Record<Transition, string> = {
  [Transition.UNSPECIFIED]: "start",
  [Transition.START]: "start",
  [Transition.STOP]: "stop",
  [Transition.DELETE]: "destroy",
};

/** Environment of the hosted provider: metadata and values of one plan or apply. */
export function providerEnvironment(request: PlanRequest): Record<string, string> {
  const metadata = create(MetadataSchema, request.metadata);
  const env: Record<string, string> = {
    ...workspaceFacts(metadata),
    ...ownerFacts(metadata),
    CODER_AGENT_URL: metadata.coderUrl,
  };
  for (const { name = "", value = "" } of request.parameters) env[parameterEnvName(name)] = value;
  for (const { name = "", value = "" } of request.previousParameters)
    env[previousParameterEnvName(name)] = value;
  for (const { id = "", accessToken = "" } of request.externalAuth)
    env[externalAuthEnvName(id)] = accessToken;
  for (const { envName = "", filePath = "", value = "" } of request.userSecrets ?? []) {
    if (envName !== "") env[secretEnvName(envName)] = value;
    if (filePath !== "") env[secretFileEnvName(filePath)] = value;
  }
  for (const platform of AGENT_PLATFORMS)
    env[agentScriptEnvName(platform.os, platform.arch)] = agentScript(platform);
  if (metadata.runningAgentToken !== "") env[runningAgentTokenEnvName()] = metadata.runningAgentToken;
  return env;
}

/**
 * At the claim of a prebuild, the tokens of its running agents, which know no other. With its token, the provider changes
 * an agent in place. Another provider replaces it, with a new id under which its token cannot be found: if there is one
 * agent only, it gets its token all the same.
 */
export function keptTokens({ metadata }: PlanRequest, state: Uint8Array): Record<string, string> {
  if (!metadata.isPrebuildClaim) return {};
  const agents = agentTokensOf(state);
  const only = agents.length === 1 ? [{ id: "", token: agents[0]!.token }] : [];
  return Object.fromEntries(
    [...agents, ...only].map(({ id, token }) => [runningAgentTokenEnvName(id), token]),
  );
}

function workspaceFacts(metadata: Metadata): Record<string, string> {
  return {
    CODER_WORKSPACE_TRANSITION: TRANSITIONS[metadata.transition],
    CODER_WORKSPACE_ID: metadata.workspaceId,
    CODER_WORKSPACE_NAME: metadata.workspaceName,
    CODER_WORKSPACE_BUILD_ID: metadata.workspaceBuildId,
    CODER_WORKSPACE_TEMPLATE_ID: metadata.templateId,
    CODER_WORKSPACE_TEMPLATE_NAME: metadata.templateName,
    CODER_WORKSPACE_TEMPLATE_VERSION: metadata.templateVersion,
    ...(metadata.isPrebuild && { CODER_WORKSPACE_IS_PREBUILD: "true" }),
    ...(metadata.isPrebuildClaim && { CODER_WORKSPACE_IS_PREBUILD_CLAIM: "true" }),
  };
}

function ownerFacts(metadata: Metadata): Record<string, string> {
  const roles = metadata.ownerRbacRoles.map(({ name, organizationId }) => ({ name, org_id: organizationId }));
  return {
    CODER_WORKSPACE_OWNER: metadata.ownerName,
    CODER_WORKSPACE_OWNER_ID: metadata.ownerId,
    CODER_WORKSPACE_OWNER_NAME: metadata.ownerFullName,
    CODER_WORKSPACE_OWNER_EMAIL: metadata.ownerEmail,
    CODER_WORKSPACE_OWNER_GROUPS: JSON.stringify(metadata.ownerGroups),
    CODER_WORKSPACE_OWNER_LOGIN_TYPE: metadata.ownerLoginType,
    CODER_WORKSPACE_OWNER_RBAC_ROLES: JSON.stringify(roles),
    CODER_WORKSPACE_OWNER_SESSION_TOKEN: metadata.ownerSessionToken,
    CODER_WORKSPACE_OWNER_OIDC_ACCESS_TOKEN: metadata.ownerOidcAccessToken,
    CODER_WORKSPACE_OWNER_SSH_PUBLIC_KEY: metadata.ownerSshPublicKey,
    CODER_WORKSPACE_OWNER_SSH_PRIVATE_KEY: metadata.ownerSshPrivateKey,
  };
}

/** Variables that would change where or how terraform works, or what it prints. */
const STEERING =
  /^(TF_(CLI_ARGS.*|CLOUD_.*|DATA_DIR|ENCRYPTION|FORCE_LOCAL_BACKEND|IN_AUTOMATION|INPUT|LOG.*|REATTACH_PROVIDERS|STATE_PERSIST_INTERVAL|VAR_.*|WARN_OUTPUT_ERRORS|WORKSPACE)|TOFU_X_.*)$/;

/**
 * Environment of terraform, its providers and the template's commands. Includes the operator's variables for them
 * (cloud credentials, proxies, TF_CLI_CONFIG_FILE), but never the daemon's own settings.
 */
export function terraformEnvironment(options: {
  host: Variables;
  cliConfig: string | undefined;
  logger: Logger;
}): Record<string, string> {
  const passed = Object.entries(options.host).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !isPrivate(entry[0]) && !STEERING.test(entry[0]),
  );
  const ignored = Object.keys(options.host).filter((name) => STEERING.test(name));
  if (ignored.length > 0) options.logger.warn("Variables that steer Terraform are ignored.", { ignored });
  const { TF_CLI_CONFIG_FILE: ofHost, ...env } = Object.fromEntries(passed);
  const cliConfig = options.cliConfig ?? readableConfig(ofHost, options.logger);
  return {
    ...env,
    ...(cliConfig !== undefined && { TF_CLI_CONFIG_FILE: cliConfig }),
    TF_IN_AUTOMATION: "1",
    TF_INPUT: "0",
    CHECKPOINT_DISABLE: "1",
  };
}

/** Naming a file that cannot be read makes each command print a warning, into its log or before its document. */
function readableConfig(path: string | undefined, logger: Logger): string | undefined {
  if (!path) return undefined;
  try {
    accessSync(path, constants.R_OK);
    return path;
  } catch {
    logger.warn("The file in TF_CLI_CONFIG_FILE cannot be read; the variable is ignored.", { path });
    return undefined;
  }
}

/** The template's variables for terraform, in the environment, where other users of the machine cannot read them. */
export function variableEnvironment(request: Pick<PlanRequest, "variables">): Record<string, string> {
  return Object.fromEntries(request.variables.map(({ name = "", value = "" }) => [`TF_VAR_${name}`, value]));
}

/** The path of the socket in a reattach configuration. */
export function socketOf(reattach: string): string {
  const [provider] = Object.values(JSON.parse(reattach) as Record<string, { Addr: { String: string } }>);
  return provider!.Addr.String;
}

/**
 * Reattach configuration of the hosted provider. terraform kills `pid` if it cannot reach
 * the provider, so it must never be the daemon's own.
 */
export function reattachEnvironment(reattach: string, pid: number): Record<string, string> {
  const providers = Object.entries(JSON.parse(reattach) as Record<string, object>);
  const entries = providers.map(([address, provider]) => [address, { ...provider, Pid: pid }]);
  return { TF_REATTACH_PROVIDERS: JSON.stringify(Object.fromEntries(entries)) };
}
