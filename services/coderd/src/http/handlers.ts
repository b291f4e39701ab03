import type { Config } from "../config.js";
import type { Domain } from "../domain.js";
import type { Platform } from "../platform.js";
import { auditHandlers } from "./audit.js";
import { enforceDeclaredAccess } from "./declared-access.js";
import type { Handlers } from "./handler.js";
import { createAgentHandlers } from "./routes/agents.js";
import { createApplicationHandlers } from "./routes/applications.js";
import { createAuditHandlers } from "./routes/audit.js";
import { createBuildHandlers } from "./routes/builds.js";
import { createDebugHandlers } from "./routes/debug.js";
import { createDeploymentHandlers } from "./routes/deployment.js";
import { createFileHandlers } from "./routes/files.js";
import { createGroupHandlers } from "./routes/groups.js";
import { createKeyHandlers } from "./routes/keys.js";
import { createNotificationHandlers } from "./routes/notifications.js";
import { createOrganizationHandlers } from "./routes/organizations.js";
import { createPortShareHandlers } from "./routes/portshares.js";
import { createProvisionerHandlers } from "./routes/provisioners.js";
import { createSharingHandlers } from "./routes/sharing.js";
import { createTemplateHandlers } from "./routes/templates.js";
import { createTemplateVersionHandlers } from "./routes/templateversions.js";
import { createUserHandlers } from "./routes/users.js";
import { createWorkspaceProxyHandlers } from "./routes/workspaceproxies.js";
import { createWorkspaceHandlers } from "./routes/workspaces.js";

/** The handlers of all routes that coderd serves. */
export function createHandlers(domain: Domain, { config, clock, unitOfWork, logger }: Platform): Handlers {
  const now = () => clock.now();
  const deployment = { wildcardHostname: config.CODER_WILDCARD_ACCESS_URL, now };
  const handlers: Handlers = {
    ...createDeploymentHandlers({ ...domain, config, now }),
    ...createUserHandlers({
      ...domain,
      secureCookie: isSecure(config),
      passwordLogin: !config.CODER_DISABLE_PASSWORD_AUTH,
    }),
    ...createKeyHandlers(domain),
    ...createOrganizationHandlers(domain),
    ...createGroupHandlers(domain),
    ...createSharingHandlers(domain),
    ...createNotificationHandlers(domain),
    ...createDebugHandlers(domain),
    ...createAuditHandlers(domain),
    ...createWorkspaceProxyHandlers({ ...domain, now }),
    ...createFileHandlers(domain),
    ...createTemplateHandlers(domain),
    ...createTemplateVersionHandlers({ ...domain, now }),
    ...createWorkspaceHandlers({ ...domain, deployment }),
    ...createPortShareHandlers(domain),
    ...createBuildHandlers({ ...domain, deployment }),
    ...createProvisionerHandlers(domain),
    ...createAgentHandlers({ ...domain, hostnameSuffix: config.CODER_WORKSPACE_HOSTNAME_SUFFIX, now }),
    ...createApplicationHandlers({
      ...domain,
      accessUrl: config.CODER_ACCESS_URL,
      wildcardHostname: config.CODER_WILDCARD_ACCESS_URL,
    }),
  };
  return auditHandlers(enforceDeclaredAccess(handlers), { audit: domain.audit, unitOfWork, logger });
}

function isSecure(config: Config): boolean {
  return config.CODER_SECURE_AUTH_COOKIE || config.CODER_ACCESS_URL.startsWith("https:");
}
