import { activityRoutes } from "./activity.js";
import { agentRoutes } from "./agents.js";
import { auditRoutes } from "./audit.js";
import { buildRoutes } from "./builds.js";
import { deploymentRoutes } from "./deployment.js";
import { externalAuthRoutes } from "./externalauth.js";
import { idpSyncRoutes } from "./idpsync.js";
import { insightRoutes } from "./insights.js";
import { keyRoutes } from "./keys.js";
import { notificationRoutes } from "./notifications.js";
import { oauth2Routes } from "./oauth2.js";
import { organizationRoutes } from "./organizations.js";
import { planRoutes } from "./plans.js";
import { policyRoutes } from "./policies.js";
import { prebuildRoutes } from "./prebuilds.js";
import { provisionerRoutes } from "./provisioners.js";
import { rolloutRoutes } from "./rollouts.js";
import { scimRoutes } from "./scim.js";
import { sharingRoutes } from "./sharing.js";
import { sshAccessRoutes } from "./sshaccess.js";
import { templateRoutes } from "./templates.js";
import { templateVersionRoutes } from "./templateversions.js";
import { updateRoutes } from "./updates.js";
import { userRoutes } from "./users.js";
import { userSecretRoutes } from "./usersecrets.js";
import { webhookRoutes } from "./webhooks.js";
import { workspaceProxyRoutes } from "./workspaceproxies.js";
import { workspaceRoutes } from "./workspaces.js";

/** The routes by the chapter of the API document that they belong to. */
export const routeChapters = {
  Deployment: deploymentRoutes,
  Insights: insightRoutes,
  Users: userRoutes,
  Keys: keyRoutes,
  Organizations: organizationRoutes,
  "IdP sync": idpSyncRoutes,
  Audit: auditRoutes,
  Templates: templateRoutes,
  "Template versions": templateVersionRoutes,
  Workspaces: workspaceRoutes,
  Updates: updateRoutes,
  Builds: buildRoutes,
  Plans: planRoutes,
  Rollouts: rolloutRoutes,
  Prebuilds: prebuildRoutes,
  Policies: policyRoutes,
  Sharing: sharingRoutes,
  SCIM: scimRoutes,
  Agents: agentRoutes,
  Activity: activityRoutes,
  "External auth": externalAuthRoutes,
  Secrets: userSecretRoutes,
  "SSH access": sshAccessRoutes,
  Notifications: notificationRoutes,
  Webhooks: webhookRoutes,
  "OAuth2 provider": oauth2Routes,
  Provisioners: provisionerRoutes,
  "Workspace proxies": workspaceProxyRoutes,
};

/** Written out as an intersection, so that importing programs need not type-check every route twice. */
export type Routes = typeof deploymentRoutes &
  typeof insightRoutes &
  typeof userRoutes &
  typeof keyRoutes &
  typeof organizationRoutes &
  typeof idpSyncRoutes &
  typeof auditRoutes &
  typeof templateRoutes &
  typeof templateVersionRoutes &
  typeof workspaceRoutes &
  typeof updateRoutes &
  typeof buildRoutes &
  typeof planRoutes &
  typeof rolloutRoutes &
  typeof prebuildRoutes &
  typeof policyRoutes &
  typeof sharingRoutes &
  typeof scimRoutes &
  typeof agentRoutes &
  typeof activityRoutes &
  typeof externalAuthRoutes &
  typeof userSecretRoutes &
  typeof sshAccessRoutes &
  typeof notificationRoutes &
  typeof webhookRoutes &
  typeof oauth2Routes &
  typeof provisionerRoutes &
  typeof workspaceProxyRoutes;

/** Every route of the API, by the name of its client method and handler. */
export const routes: Routes = {
  ...deploymentRoutes,
  ...insightRoutes,
  ...userRoutes,
  ...keyRoutes,
  ...organizationRoutes,
  ...idpSyncRoutes,
  ...auditRoutes,
  ...templateRoutes,
  ...templateVersionRoutes,
  ...workspaceRoutes,
  ...updateRoutes,
  ...buildRoutes,
  ...planRoutes,
  ...rolloutRoutes,
  ...prebuildRoutes,
  ...policyRoutes,
  ...sharingRoutes,
  ...scimRoutes,
  ...agentRoutes,
  ...activityRoutes,
  ...externalAuthRoutes,
  ...userSecretRoutes,
  ...sshAccessRoutes,
  ...notificationRoutes,
  ...webhookRoutes,
  ...oauth2Routes,
  ...provisionerRoutes,
  ...workspaceProxyRoutes,
};

export type RouteName = keyof Routes;
