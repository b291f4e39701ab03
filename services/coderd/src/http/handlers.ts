import type { AuthMethods } from "@fleet/sdk";
import type { Domain } from "../domain.js";
import type { Platform } from "../platform.js";
import { auditHandlers } from "./audit.js";
import { enforceDeclaredAccess } from "./declared-access.js";
import { withErrorPages } from "./error-page.js";
import type { Handlers } from "./handler.js";
import { createActivityHandlers } from "./routes/activity.js";
import { createAgentHandlers } from "./routes/agents.js";
import { createApplicationHandlers } from "./routes/applications.js";
import { createAuditHandlers } from "./routes/audit.js";
import { createAuthCheckHandlers } from "./routes/authcheck.js";
import { createBuildHandlers } from "./routes/builds.js";
import { createDebugHandlers } from "./routes/debug.js";
import { createDeploymentHandlers } from "./routes/deployment.js";
import { createExternalAuthHandlers } from "./routes/externalauth.js";
import { createFileHandlers } from "./routes/files.js";
import { createGroupHandlers } from "./routes/groups.js";
import { createIdpSyncHandlers } from "./routes/idpsync.js";
import { createInsightHandlers } from "./routes/insights.js";
import { createKeyHandlers } from "./routes/keys.js";
import { createNotificationHandlers } from "./routes/notifications.js";
import { createOAuth2Handlers } from "./routes/oauth2.js";
import { createOrganizationHandlers } from "./routes/organizations.js";
import { createPasswordResetHandlers } from "./routes/password-reset.js";
import { createPlanHandlers } from "./routes/plans.js";
import { createPolicyHandlers } from "./routes/policies.js";
import { createPortShareHandlers } from "./routes/portshares.js";
import { createPrebuildHandlers } from "./routes/prebuilds.js";
import { createProvisionerHandlers } from "./routes/provisioners.js";
import { createRolloutHandlers } from "./routes/rollouts.js";
import { createScimHandlers } from "./routes/scim.js";
import { createSharingHandlers } from "./routes/sharing.js";
import { createSignInHandlers } from "./routes/signin.js";
import { createSshAccessHandlers } from "./routes/sshaccess.js";
import { createTemplateHandlers } from "./routes/templates.js";
import { createTemplateVersionHandlers } from "./routes/templateversions.js";
import { createUpdateHandlers } from "./routes/updates.js";
import { createUserHandlers } from "./routes/users.js";
import { createUserSecretHandlers } from "./routes/usersecrets.js";
import { createWebhookHandlers } from "./routes/webhooks.js";
import { createWorkspaceProxyHandlers } from "./routes/workspaceproxies.js";
import { createWorkspaceHandlers } from "./routes/workspaces.js";
import { createSessionCookies } from "./session-cookie.js";

/** The handlers of all routes that coderd serves: each file of routes gets the nouns that it serves. */
export function createHandlers(domain: Domain, platform: Platform): Handlers {
  const { config, clock, unitOfWork, logger, pubsub } = platform;
  const { audit, users, organizations, organizationStore, groups, apiKeys, quietHours, gitSshKeys } = domain;
  const { templates, templateVersions, examples, files, workspaces, builds, jobs, quotas, sharing } = domain;
  const { agents, agentLogs, agentMetadata, agentPorts, cryptoKeys, terminals, portShares } = domain;
  const { provisionerDaemons, resourceStore, proxies, proxyStore } = domain;
  const { notifications, health, numbers, replicas } = domain;
  const accessUrl = config.CODER_ACCESS_URL;
  const wildcardHostname = config.CODER_WILDCARD_ACCESS_URL;
  const hostnameSuffix = config.CODER_WORKSPACE_HOSTNAME_SUFFIX;
  const { signIn, flows, conversions, oidc, github } = domain;
  const secureCookie = config.CODER_SECURE_AUTH_COOKIE || accessUrl.startsWith("https:");
  const cookies = createSessionCookies({
    secure: secureCookie,
    sameSite: config.CODER_SAMESITE_AUTH_COOKIE,
    hostPrefix: config.CODER_HOST_PREFIX_COOKIE,
  });
  const now = () => clock.now();
  const deployment = { wildcardHostname, now };
  const handlers: Handlers = {
    ...createDeploymentHandlers({ deployment: domain.deployment, proxyStore, config, now }),
    ...createAuthCheckHandlers({ workspaces, templates, users, organizations }),
    ...createUserHandlers({
      users,
      apiKeys,
      organizations,
      organizationStore,
      quietHours,
      cookies,
      accessUrl: new URL(accessUrl),
      authMethods: authMethodsOf(config, domain),
      signOutUrl: domain.oidcTokens.signOutUrl,
    }),
    ...createSignInHandlers({
      signIn,
      flows,
      conversions,
      oidc,
      github,
      claimsOf: domain.claimsOf,
      apiKeys,
      audit,
      cookies,
      accessUrl,
    }),
    ...createPasswordResetHandlers({ passwordReset: domain.passwordReset, audit }),
    ...createKeyHandlers({ apiKeys, users, gitSshKeys }),
    ...createOrganizationHandlers({ organizations, customRoles: domain.customRoles, quotas }),
    ...createGroupHandlers({ groups }),
    ...createIdpSyncHandlers({ idpSync: domain.idpSync }),
    ...createScimHandlers({ scim: domain.scim }),
    ...createSharingHandlers({ sharing, workspaceSharing: domain.workspaceSharing, templates }),
    ...createNotificationHandlers({ inbox: domain.inbox, notifications, users }),
    ...createWebhookHandlers({ webhooks: domain.webhooks, deliveries: domain.deliveries }),
    ...createOAuth2Handlers({
      provider: domain.oauth2,
      cryptoKeys,
      accessUrl,
      enabled: config.CODER_OAUTH2_PROVIDER_ENABLE,
      now,
    }),
    ...createInsightHandlers({ insights: domain.insights, templates }),
    ...createDebugHandlers({ health, numbers, replicas }),
    ...createAuditHandlers({ audit, connectionLog: domain.connectionLog }),
    ...createWorkspaceProxyHandlers({ proxies, now }),
    ...createFileHandlers({ files }),
    ...createTemplateHandlers({ templates, templateVersions, examples, organizations }),
    ...createTemplateVersionHandlers({
      templateVersions,
      evaluations: domain.evaluations,
      organizations,
      jobs,
      resourceStore,
      externalAuth: domain.externalAuth,
      now,
    }),
    ...createWorkspaceHandlers({
      workspaces,
      builds,
      externalAgents: domain.externalAgents,
      organizations,
      insights: domain.insights,
      deployment,
    }),
    ...createUpdateHandlers({ workspaces, inbox: domain.inbox, pubsub, clock, deployment }),
    ...createPortShareHandlers({ portShares }),
    ...createBuildHandlers({ builds, workspaces, deployment }),
    ...createPlanHandlers({ plans: domain.plans, surveys: domain.surveys, policies: domain.policies }),
    ...createRolloutHandlers({ rollouts: domain.rollouts }),
    ...createPrebuildHandlers({ prebuilds: domain.prebuilds }),
    ...createPolicyHandlers({ policies: domain.policies, builds, templateVersions }),
    ...createProvisionerHandlers({ provisionerDaemons, jobs, organizations, users }),
    ...createAgentHandlers({
      agents,
      agentLogs,
      agentMetadata,
      agentPorts,
      agentContainers: domain.agentContainers,
      gitSshKeys,
      instanceIdentity: domain.instanceIdentity,
      claims: domain.claims,
      hostnameSuffix,
      now,
    }),
    ...createActivityHandlers({ holds: domain.holds, unpushedWork: domain.unpushedWork }),
    ...createExternalAuthHandlers({ externalAuth: domain.externalAuth, accessUrl, secureCookie }),
    ...createUserSecretHandlers({ userSecrets: domain.userSecrets }),
    ...createSshAccessHandlers({ sshAccess: domain.sshAccess, cryptoKeys, accessUrl }),
    ...createApplicationHandlers({ apiKeys, agents, cryptoKeys, terminals, accessUrl, wildcardHostname }),
  };
  const audited = auditHandlers(enforceDeclaredAccess(handlers), { audit, unitOfWork, logger });
  return withErrorPages(audited, logger);
}

function authMethodsOf(config: Platform["config"], { oidc, github }: Domain): AuthMethods {
  const termsOfService = config.CODER_TERMS_OF_SERVICE_URL;
  return {
    ...(termsOfService && { terms_of_service_url: termsOfService }),
    password: { enabled: !config.CODER_DISABLE_PASSWORD_AUTH },
    github: { enabled: github !== undefined, default_provider_configured: false },
    oidc: {
      enabled: oidc !== undefined,
      signInText: oidc ? config.CODER_OIDC_SIGN_IN_TEXT : "",
      iconUrl: (oidc && config.CODER_OIDC_ICON_URL) ?? "",
    },
  };
}
