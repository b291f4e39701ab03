import { randomBytes, randomUUID } from "node:crypto";
import { echoTemplate, TAR_MIMETYPE } from "@fleet/provisionersdk";
import { sshKeyPair } from "../auth/sshkeys.js";
import type { ActorName, Actors, RouteNames } from "./actors.js";
import type { TestCoderd } from "./coderd.js";
import type { OauthProvider } from "./oauth-provider.js";
import { built, createTemplate, createVersion, createWorkspace, imported, ONE_AGENT } from "./work.js";

/** One request of the matrix. */
export type MatrixCall = {
  params?: Record<string, string>;
  query?: Record<string, string>;
  body?: unknown;
  contentType?: string;
  /** Overrides the actor's token. */
  token?: string;
};

type Makes = (actor: ActorName) => MatrixCall | Promise<MatrixCall>;

export type MatrixObjects = {
  /** Default values of path parameters. */
  params: Record<string, string>;
  /** Calls that need more than parameters. */
  calls: Partial<Record<RouteNames, Makes>>;
};

const TAKEN = "SomeSecurePassword!";

/**
 * Creates one object for each path parameter and returns the requests. Objects that a call consumes are created per
 * call.
 */
export async function createObjects(
  server: TestCoderd,
  actors: Actors,
  hub: OauthProvider,
): Promise<MatrixObjects> {
  const { owner, ana, tokens } = actors;
  const { domain } = server.coderd;
  const name = () => `n-${randomUUID().slice(0, 8)}`;
  const organization = (await owner.client.organizationGet({ params: { organization: "default" } })).id;

  tokens.agent = randomUUID();
  const agentSpec = { name: "main", operatingSystem: "linux", architecture: "amd64" };
  const withToken = { ...agentSpec, auth: { case: "token" as const, value: tokens.agent } };
  const resource = { name: "main", type: "null_resource", address: "null_resource.main" };
  const outside = {
    name: "outside",
    type: "coder_external_agent",
    address: "coder_external_agent.outside",
    agents: [{ ...agentSpec, name: "outside" }],
  };
  const held = await createTemplate(
    owner,
    { resources: [{ ...resource, agents: [withToken] }, outside] },
    "held",
  );
  const template = await createTemplate(owner, ONE_AGENT, "echo");
  const version = await imported(owner, await createVersion(owner, ONE_AGENT, { template_id: template.id }));
  const dev = await createWorkspace(ana, held);
  const build = await built(ana, dev);
  const agent = build.resources.find(({ name }) => name === "main")!.agents![0]!.id;
  // Calls change a separate workspace, so that the agent's own stays intact.
  const spare = await createWorkspace(ana, template, { name: "spare" });
  const spareBuild = await built(ana, spare);
  const planned = await createWorkspace(ana, template, { name: "planned" });
  await built(ana, planned);
  const plan = await ana.client.workspacePlanCreate({
    params: { workspace: planned.id },
    body: { transition: "start" },
  });
  const rolled = await createTemplate(owner, ONE_AGENT, "rolled");
  const next = await imported(owner, await createVersion(owner, ONE_AGENT, { template_id: rolled.id }));
  const rollOut = { template_version_id: next.id, steps: [10] };
  const params = { template: rolled.id };
  const { id: rollout } = await owner.client.rolloutCreate({ params, body: rollOut });
  const onRollout = () => ({ params: { template: rolled.id, rollout }, body: rollOut });
  const onPlan = () => ({ params: { workspace: planned.id, plan: plan.id } });
  const dryRun = await owner.client.dryRunCreate({
    params: { version: version.id },
    body: { workspace_name: "try" },
  });

  for (const { id } of [dev, spare, planned]) {
    await ana.client.workspaceAclUpdate({
      params: { workspace: id },
      body: { user_roles: { [actors.ids["shared-use"]!]: "use", [actors.ids["shared-admin"]!]: "admin" } },
    });
  }

  const archive = new Uint8Array(await echoTemplate(ONE_AGENT));
  const upload = (client: typeof owner.client) =>
    client.fileUpload({ body: archive, contentType: TAR_MIMETYPE });
  const file = (await upload(owner.client)).hash;
  const group = await newGroup();
  const proxy = (await owner.client.workspaceProxyCreate({ body: { name: name() } })).proxy;
  await owner.client.provisionerKeyCreate({ params: { organization }, body: { name: "ci" } });
  const token = await ana.client.tokenCreate({ params: { user: "me" }, body: { token_name: "ci" } });
  const kind = "c425f63e-716a-4bf4-ae24-78348f706c3f";
  await domain.inbox.add({
    id: randomUUID(),
    userId: ana.id,
    templateId: kind,
    title: "t",
    content: "c",
    icon: "",
    targets: [],
    actions: [],
  });
  const [notification] = (await ana.client.inboxList()).notifications;

  const receiver = { name: "receiver", url: "http://127.0.0.1:1/" };
  // Nothing is sent to it.
  const quiet = { ...receiver, resource_types: ["none"] };
  const { webhook } = await owner.client.webhookCreate({ body: quiet });
  const redirect = "https://app.example.com/callback";
  const newApp = async () =>
    (await owner.client.oauth2AppCreate({ body: { name: "app", redirect_uris: [redirect] } })).id;
  const newSecret = async (oauth2App: string) =>
    (await owner.client.oauth2AppSecretCreate({ params: { oauth2App } })).id;
  const oauth2App = await newApp();
  const authorization = () => ({
    query: {
      client_id: oauth2App,
      redirect_uri: redirect,
      response_type: "code",
      code_challenge: "a".repeat(43),
      code_challenge_method: "S256",
    },
  });
  const form = { contentType: "application/x-www-form-urlencoded" };

  async function newGroup(): Promise<string> {
    return (await owner.client.groupCreate({ params: { organization }, body: { name: name() } })).id;
  }
  async function newRole(): Promise<string> {
    const body = { name: name() };
    await owner.client.organizationRoleCreate({ params: { organization }, body });
    return body.name;
  }
  /** A user to change: ana herself for ana, another user for the rest. */
  async function victim(actor: ActorName): Promise<string> {
    if (actor === "ana" || actor === "ana-app-key") return ana.id;
    const username = name();
    const user = await owner.client.userCreate({
      body: { email: `${username}@example.com`, username, password: TAKEN },
    });
    return user.id;
  }
  const onVictim = (body?: unknown) => async (actor: ActorName) => ({
    params: { user: await victim(actor) },
    body,
  });
  const onSpare =
    (body?: unknown): Makes =>
    () => ({ params: { workspace: spare.id }, body });
  const onSpareBuild =
    (body?: unknown): Makes =>
    () => ({ params: { build: spareBuild.id }, body });
  const freshKey: Makes = async () => ({
    params: { key: (await domain.apiKeys.issue({ userId: ana.id, loginType: "password" })).id },
  });
  const ofADay: Makes = () => ({
    query: { start_time: "2026-01-01T00:00:00Z", end_time: "2026-01-02T00:00:00Z" },
  });
  const devcontainer = randomUUID();
  /** What an agent reports is forgotten soon. */
  const withDevcontainer: Makes = async () => {
    await domain.agentContainers.report(agent, {
      devcontainers: [
        {
          id: devcontainer,
          name: "app",
          workspaceFolder: "/app",
          configPath: "/app/.devcontainer/devcontainer.json",
          status: "running",
          dirty: false,
          error: "",
          containerId: "",
          subAgent: undefined,
        },
      ],
      containers: [],
      warnings: [],
    });
    return {};
  };
  const withBody =
    (body: unknown): Makes =>
    () => ({ body });
  const rule = { mode: "dry", expression: "cost.after > 10", message: "Too expensive." } as const;
  const policy = await owner.client.policyCreate({ body: { ...rule, name: name() } });
  const freshPolicy = async () => ({
    params: { policy: (await owner.client.policyCreate({ body: { ...rule, name: name() } })).id },
  });
  const port = { agent_name: "main", port: 8080 };
  const variable = () => `V_${randomUUID().replaceAll("-", "")}`;
  const newUserSecret = (secret: string) =>
    ana.client.userSecretCreate({
      params: { user: "me" },
      body: { name: secret, value: "hunter22", env_name: variable() },
    });
  await newUserSecret("npm");
  const publicKey = () => sshKeyPair(randomBytes(32)).publicKey;
  const newSshKey = async () =>
    (
      await ana.client.userSshKeyCreate({
        params: { user: "me" },
        body: { name: name(), public_key: publicKey() },
      })
    ).id;
  /** A link that waits for ana, or for the owner. */
  const sshCode = async (actor: ActorName) => {
    const client = { username: actor === "owner" ? "owner" : "ana", address: "192.0.2.1", client: "OpenSSH" };
    return { query: { code: (await domain.sshAccess.signIns.begin(client)).code } };
  };
  const provider = domain.externalAuth.provider("hub");
  /** A code of the device flow that its user has entered. */
  async function enteredCode(): Promise<string> {
    const { deviceCode, userCode } = await domain.externalAuth.beginDevice(provider);
    hub.enter(userCode);
    return deviceCode;
  }

  return {
    params: {
      organization,
      agent,
      agentName: "outside",
      workspace: dev.id,
      workspaceName: "dev",
      build: build.id,
      buildNumber: "1",
      template: template.id,
      templateName: "echo",
      version: version.id,
      versionName: version.name,
      job: version.job.id,
      file,
      policy: policy.id,
      user: ana.id,
      key: token.key.split("-")[0]!,
      keyName: "ci",
      group,
      groupName: (await owner.client.groupGet({ params: { group } })).name,
      proxy: proxy.id,
      scimUser: ana.id,
      scimGroup: group,
      scimSchema: "urn:ietf:params:scim:schemas:core:2.0:User",
      scimResourceType: "User",
      notification: notification!.id,
      notificationTemplate: kind,
      webhook: webhook.id,
      provider: "hub",
      secret: "npm",
      sshKey: await newSshKey(),
      os: "linux",
      arch: "amd64",
      oauth2App,
      oauth2Secret: await newSecret(oauth2App),
      clientId: oauth2App,
      devcontainer,
    },
    calls: {
      agentDevcontainerRecreate: withDevcontainer,
      agentDevcontainerDelete: withDevcontainer,
      agentAuthenticateAws: withBody({ signature: "AAAA", document: "{}" }),
      agentAuthenticateAzure: withBody({ signature: "AAAA" }),
      agentAuthenticateGoogle: withBody({ json_web_token: "a.b.c" }),
      oauth2Authorize: authorization,
      oauth2AuthorizeDecide: () => ({
        ...authorization(),
        ...form,
        body: Buffer.from("decision=approve"),
      }),
      oauth2TokenCreate: () => ({ ...form, body: Buffer.from("grant_type=authorization_code") }),
      oauth2TokensRevoke: () => ({ query: { client_id: oauth2App } }),
      oauth2Revoke: () => ({ ...form, body: Buffer.from(`token=x&client_id=${oauth2App}`) }),
      oauth2ClientRegister: withBody({ redirect_uris: [redirect] }),
      oauth2ClientUpdate: withBody({ redirect_uris: [redirect] }),
      oauth2AppCreate: withBody({ name: "app", redirect_uris: [redirect] }),
      oauth2AppUpdate: withBody({ name: "app", redirect_uris: [redirect] }),
      oauth2AppDelete: async () => ({ params: { oauth2App: await newApp() } }),
      oauth2AppSecretDelete: async () => {
        const oauth2App = await newApp();
        return { params: { oauth2App, oauth2Secret: await newSecret(oauth2App) } };
      },
      oauth2SettingsUpdate: withBody({ dynamic_client_registration_enabled: true }),
      authCheck: withBody({ checks: {} }),
      appearanceUpdate: withBody({ application_name: "", logo_url: "", announcement_banners: [] }),
      debugHealthSettingsUpdate: withBody({ dismissed_healthchecks: [] }),
      userFirstCreate: withBody({ email: "x@example.com", username: "x", password: TAKEN }),
      login: withBody({ email: "owner@example.com", password: owner.password }),
      validatePassword: withBody({ password: TAKEN }),
      userCreate: () => ({
        body: { email: `${name()}@example.com`, username: name(), password: TAKEN },
      }),
      userDelete: onVictim(),
      userProfileUpdate: () => ({ body: { username: "ana" } }),
      convertLogin: () => ({ body: { to_type: "oidc", password: TAKEN } }),
      userPasswordUpdate: onVictim({ password: `${TAKEN}2`, old_password: "not-this-one" }),
      userSuspend: onVictim(),
      userActivate: onVictim(),
      userAppearanceUpdate: withBody({ theme_preference: "dark" }),
      userRolesUpdate: onVictim({ roles: [] }),
      userQuietHoursUpdate: withBody({ schedule: "" }),
      userAutofillParameters: () => ({ query: { template_id: template.id } }),
      logout: async (actor) => {
        const id = actors.ids[actor];
        if (!id) return {};
        const scopes = actor === "ana-app-key" ? ["application_connect"] : ["all"];
        return { token: (await domain.apiKeys.issue({ userId: id, loginType: "password", scopes })).token };
      },
      tokenCreate: withBody({}),
      userSecretCreate: () => ({ body: { name: name(), value: "hunter22", env_name: variable() } }),
      userSshKeyCreate: () => ({ body: { name: name(), public_key: publicKey() } }),
      userSshKeyDelete: async () => ({ params: { sshKey: await newSshKey() } }),
      sshSignIn: sshCode,
      sshSignInDecide: async (actor) => ({
        ...(await sshCode(actor)),
        ...form,
        body: Buffer.from("decision=allow"),
      }),
      userSecretUpdate: withBody({ description: "for npm" }),
      userSecretDelete: async () => ({
        params: { secret: (await newUserSecret(name())).name },
      }),
      externalAuthDelete: async (actor) => {
        const id = actors.ids[actor];
        if (id) await domain.externalAuth.completeDevice(provider, id, await enteredCode());
        return {};
      },
      externalAuthDeviceExchange: async () => ({ body: { device_code: await enteredCode() } }),
      agentSelfHoldSet: withBody({ name: "training", duration_ms: 3_600_000 }),
      userUnpushedWorkCheckUpdate: withBody({ enabled: true }),
      insightsUserActivity: ofADay,
      insightsUserLatency: ofADay,
      insightsTemplates: ofADay,
      agentSelfExternalAuth: () => ({ query: { id: "hub" } }),
      agentSelfGitAuth: () => ({ query: { id: "hub" } }),
      keyDelete: freshKey,
      keyExpire: freshKey,
      organizationCreate: () => ({ body: { name: name() } }),
      organizationUpdate: withBody({}),
      memberAdd: onVictim(),
      memberRemove: async (actor) => ({
        params: { user: await victim(actor === "ana" ? "ben" : actor) },
      }),
      memberRolesUpdate: onVictim({ roles: [] }),
      organizationRoleCreate: () => ({ body: { name: name() } }),
      organizationRoleUpdate: async () => ({ body: { name: await newRole() } }),
      organizationRoleDelete: async () => ({ params: { roleName: await newRole() } }),
      workspaceSharingSettingsUpdate: withBody({ shareable_workspace_owners: "everyone" }),
      workspaceAclUpdate: onSpare({}),
      workspaceAclDelete: () => ({ params: { workspace: planned.id } }),
      groupCreate: () => ({ body: { name: name() } }),
      groupUpdate: withBody({}),
      groupDelete: async () => ({ params: { group: await newGroup() } }),
      scimUserSearch: withBody({}),
      scimUserCreate: withBody({}),
      scimUserReplace: withBody({}),
      scimUserPatch: withBody({}),
      scimGroupSearch: withBody({}),
      scimGroupCreate: withBody({}),
      scimGroupReplace: withBody({}),
      scimGroupPatch: withBody({}),
      scimSearch: withBody({}),
      organizationSyncUpdate: withBody({ organization_assign_default: true }),
      organizationSyncConfigUpdate: withBody({}),
      organizationSyncMappingUpdate: withBody({}),
      groupSyncUpdate: withBody({}),
      groupSyncConfigUpdate: withBody({}),
      groupSyncMappingUpdate: withBody({}),
      roleSyncUpdate: withBody({}),
      roleSyncConfigUpdate: withBody({}),
      roleSyncMappingUpdate: withBody({}),
      syncFieldValueList: () => ({ query: { claimField: "groups" } }),
      memberSyncFieldValueList: () => ({ query: { claimField: "groups" } }),
      fileUpload: () => ({ body: archive, contentType: TAR_MIMETYPE }),
      templateCreate: () => ({ body: { name: name(), template_version_id: version.id } }),
      templateUpdate: withBody({}),
      templateVersionPromote: () => ({ body: { id: version.id } }),
      templateVersionArchiveUnused: withBody({}),
      templateAclUpdate: withBody({}),
      templateVersionCreate: async (actor) => {
        const client = server.clientOf(tokens[actor] ?? "");
        const own = await upload(client).catch(() => ({ hash: file }));
        return { body: { storage_method: "file", file_id: own.hash, provisioner: "echo" } };
      },
      templateVersionUpdate: withBody({ message: "Changed." }),
      templateVersionDynamicParametersEvaluate: withBody({ id: 1, inputs: {} }),
      dryRunCreate: withBody({ workspace_name: "try" }),
      dryRunGet: () => ({ params: { job: dryRun.id } }),
      dryRunResources: () => ({ params: { job: dryRun.id } }),
      dryRunPolicies: () => ({ params: { job: dryRun.id } }),
      dryRunLogs: () => ({ params: { job: dryRun.id } }),
      dryRunLogsFollow: () => ({ params: { job: dryRun.id } }),
      dryRunMatchedProvisioners: () => ({ params: { job: dryRun.id } }),
      dryRunCancel: () => ({ params: { job: dryRun.id } }),
      workspaceCreate: () => ({ body: { template_id: template.id, name: name() } }),
      workspaceCreateForMember: () => ({ body: { template_id: template.id, name: name() } }),
      workspaceUpdate: onSpare({ name: "spare" }),
      workspaceAutostartUpdate: onSpare({}),
      workspaceTtlUpdate: onSpare({ ttl_ms: null }),
      workspaceExtend: onSpare({ deadline: new Date(Date.now() + 3_600_000).toISOString() }),
      workspaceDormancyUpdate: onSpare({ dormant: false }),
      workspaceAutomaticUpdatesUpdate: onSpare({ automatic_updates: "never" }),
      workspaceFavorite: onSpare(),
      workspaceUnfavorite: onSpare(),
      workspaceUsage: onSpare({}),
      workspaceBuildCreate: onSpare({ transition: "start" }),
      workspaceBuildCancel: onSpareBuild(),
      workspaceStateList: onSpare(),
      workspacePlanCreate: () => ({ params: { workspace: planned.id }, body: { transition: "start" } }),
      workspacePlanGet: onPlan,
      workspacePlanLogs: onPlan,
      workspacePlanCancel: onPlan,
      templateVersionPlansCreate: withBody({}),
      rolloutCreate: onRollout,
      rolloutList: onRollout,
      rolloutGet: onRollout,
      rolloutPause: onRollout,
      rolloutResume: onRollout,
      rolloutAbort: onRollout,
      rolloutFinish: onRollout,
      policyCreate: () => ({ body: { ...rule, name: name() } }),
      policyCreateInOrganization: () => ({ body: { ...rule, name: name() } }),
      policyCreateForTemplate: () => ({ body: { ...rule, name: name() } }),
      policyTest: withBody({ expression: rule.expression }),
      policyUpdate: withBody({ message: "Far too expensive." }),
      policyDelete: freshPolicy,
      workspaceBuildState: onSpareBuild(),
      workspaceBuildStateUpdate: onSpareBuild({ state: "" }),
      portShareUpsert: withBody({ ...port, share_level: "owner" }),
      portShareDelete: async () => {
        const body = { ...port, share_level: "owner" as const };
        await ana.client.portShareUpsert({ params: { workspace: dev.id }, body });
        return { body: port };
      },
      agentSelfLogsAppend: withBody({ log_source_id: randomUUID(), logs: [] }),
      agentSelfLogSourceCreate: withBody({ id: randomUUID(), display_name: "x", icon: "" }),
      applicationsAuthRedirect: () => ({
        query: { redirect_uri: "http://8080--main--dev--ana.apps.test/" },
      }),
      ptySignedToken: withBody({ url: "", agentID: agent }),
      licenseCreate: withBody({ license: "none" }),
      notificationCustom: withBody({ content: { title: "t", message: "m" } }),
      notificationSettingsUpdate: withBody({ notifier_paused: false }),
      prebuildSettingsUpdate: withBody({ reconciliation_paused: false }),
      notificationTemplateMethodUpdate: withBody({ method: "inbox" }),
      notificationPreferencesUpdate: withBody({ template_disabled_map: { [kind]: false } }),
      passwordResetRequest: withBody({ email: "ana@example.com" }),
      passwordReset: withBody({ email: "ana@example.com", password: TAKEN, one_time_passcode: "x" }),
      webhookCreate: withBody(quiet),
      webhookUpdate: withBody({}),
      webhookDelete: async () => ({
        params: { webhook: (await owner.client.webhookCreate({ body: quiet })).webhook.id },
      }),
      deliveryRetry: withBody({}),
      inboxReadStatusUpdate: withBody({ is_read: true }),
      provisionerKeyCreate: () => ({ body: { name: name() } }),
      provisionerKeyDelete: async () => {
        const keyName = name();
        await owner.client.provisionerKeyCreate({ params: { organization }, body: { name: keyName } });
        return { params: { keyName } };
      },
      workspaceProxyCreate: () => ({ body: { name: name() } }),
      workspaceProxyUpdate: withBody({}),
      workspaceProxyDelete: async () => ({
        params: { proxy: (await owner.client.workspaceProxyCreate({ body: { name: name() } })).proxy.id },
      }),
    },
  };
}
