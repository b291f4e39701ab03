/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { choose, click, fill, pick, press, pressLast } from "../testing/act.js";
import { openPage } from "../testing/page.js";
import { organization, TIME, user, uuid } from "../testing/samples.js";

const proxy = {
  id: uuid(80),
  name: "sydney",
  display_name: "Sydney",
  icon_url: "",
  healthy: false,
  path_app_url: "https://syd.example.com",
  wildcard_hostname: "",
  derp_enabled: false,
  derp_only: false,
  status: {
    status: "unreachable" as const,
    report: { errors: ["No answer for 2 min."], warnings: [] },
    checked_at: TIME,
  },
  created_at: TIME,
  updated_at: TIME,
  deleted: false,
  version: "v2.33.0",
};

test("a proxy says why it is unreachable; its new token is shown once", async () => {
  using deployment = openPage("/deployment/proxies", {
    workspaceProxyList: { regions: [proxy] },
    workspaceProxyUpdate: { proxy, proxy_token: "the-token" },
  });
  await screen.findByText("No answer for 2 min.");
  await choose("More actions for sydney", "New token…");
  expect(deployment.writes).toEqual([]);
  await press("Generate token");
  await screen.findByText("the-token");
});

test("settings show values and sources, and no secret", async () => {
  const option = { description: "", annotations: {} };
  using _ = openPage("/deployment/settings", {
    deploymentConfig: {
      config: {},
      options: [
        { ...option, name: "Access URL", env: "CODER_ACCESS_URL", default: "", value: "https://x.test" },
        { ...option, name: "Session", env: "CODER_SESSION_DURATION", default: "24h", value: 86_400e9 },
        { ...option, name: "Key", env: "CODER_KEY", value: "", annotations: { secret: "true" } },
      ],
    },
  });
  await screen.findByText("CODER_ACCESS_URL");
  const rows = screen.getAllByRole("row");
  expect(rows.map(({ textContent }) => textContent)).toEqual([
    "SettingValueSource",
    "CODER_ACCESS_URLhttps://x.testEnvironment",
    "CODER_SESSION_DURATION24hDefault",
    "CODER_KEYSecret",
  ]);
});

test("an announcement is added and saved with the name", async () => {
  using deployment = openPage("/deployment/appearance", {
    appearance: {
      application_name: "",
      logo_url: "",
      docs_url: "",
      service_banner: { enabled: false },
      announcement_banners: [],
      notification_banners: [],
    },
    appearanceUpdate: { application_name: "Acme", logo_url: "", announcement_banners: [] },
  });
  await fill(/^Name/, "Acme");
  await press("Add announcement");
  await fill("Message 1", "Down at noon.");
  await press("Save");
  await screen.findByText("Appearance saved.");
  expect(deployment.writes[0]!.body).toEqual({
    application_name: "Acme",
    logo_url: "",
    announcement_banners: [{ enabled: true, message: "Down at noon.", background_color: "#004852" }],
  });
});

test("messages that were not delivered say why, and are sent again", async () => {
  using deployment = openPage("/deployment/notifications", {
    notificationSettings: { notifier_paused: true },
    notificationMethods: { available: ["smtp", "webhook"], default: "smtp" },
    notificationTemplatesSystem: [],
    deliveryList: {
      deliveries: [
        {
          id: uuid(90),
          destination: "smtp",
          subject: "Workspace deleted",
          state: "dead",
          attempts: 5,
          reason: "550 No such user",
          next_attempt_at: null,
          created_at: TIME,
          updated_at: TIME,
        },
      ],
      count: 1,
    },
    deliveryRetry: { retried: 1 },
  });
  await screen.findByText("Notifications are paused");
  await screen.findByText("550 No such user");
  await press("Retry");
  expect(deployment.writes.map(({ body }) => body)).toEqual([{ ids: [uuid(90)] }]);
});

const app = {
  id: uuid(95),
  name: "Backstage",
  icon: "",
  callback_url: "https://b.example.com/cb",
  redirect_uris: ["https://b.example.com/cb"],
  client_type: "confidential" as const,
  dynamically_registered: false,
  scope: "",
  created_at: TIME,
  endpoints: {
    authorization: "https://x/a",
    token: "https://x/t",
    token_revoke: "",
    device_authorization: "",
  },
};

test("an OAuth2 app is created and opened; its secret is shown once", async () => {
  using deployment = openPage("/deployment/oauth2-apps", {
    oauth2AppList: [],
    oauth2SettingsGet: { dynamic_client_registration_enabled: true },
    oauth2AppCreate: app,
    oauth2AppGet: app,
    oauth2AppSecretList: [],
    oauth2AppSecretCreate: { id: uuid(96), client_secret_full: "app-secret" },
  });
  await press("Create app");
  await fill("Name", "Backstage");
  await fill("Redirect URIs", "https://b.example.com/cb\nhttp://localhost/cb");
  await pressLast("Create app");
  await screen.findByRole("heading", { name: "Backstage" });
  expect(deployment.writes[0]!.body).toMatchObject({
    redirect_uris: ["https://b.example.com/cb", "http://localhost/cb"],
  });
  await press("Create secret");
  await screen.findByText("app-secret");
});

test("a policy is tested on recent plans before it is saved", async () => {
  using deployment = openPage("/deployment/policies", {
    policyList: [],
    policyTest: [
      {
        job_id: uuid(97),
        created_at: TIME,
        transition: "start",
        template_name: "docker",
        workspace_owner_name: "ana",
        workspace_name: "dev",
        outcome: "violated",
        message: "",
      },
    ],
    policyCreate: {
      name: "cost-limit",
      mode: "dry",
      transitions: ["start"],
      expression: "cost.after > 100",
      message: "Too expensive.",
      message_expression: "",
      id: uuid(98),
      scope: "deployment",
      version: 1,
      created_at: TIME,
      updated_at: TIME,
    },
  });
  await press("Create policy");
  await fill("Name", "cost-limit");
  await fill("Violated if", "cost.after > 100");
  await fill("Message", "Too expensive.");
  await press("Test on recent plans");
  await screen.findByText("1 of 1 recent plans violate it.");
  await pressLast("Create policy");
  expect(deployment.writes.at(-1)!.body).toMatchObject({
    name: "cost-limit",
    mode: "dry",
    transitions: ["start"],
    expression: "cost.after > 100",
  });
});

test("a webhook's secret is shown once", async () => {
  using _ = openPage("/deployment/webhooks", {
    webhookList: [],
    webhookCreate: {
      webhook: {
        id: uuid(99),
        name: "siem",
        url: "https://siem.example.com",
        resource_types: ["user"],
        actions: [],
        organization_id: null,
        user_id: null,
        enabled: true,
        created_at: TIME,
        updated_at: TIME,
      },
      secret: "whsec_1",
    },
  });
  await press("Create webhook");
  await fill("Name", "siem");
  await fill("URL", "https://siem.example.com");
  await fill(/Resource types/, "user");
  await pressLast("Create webhook");
  await screen.findByText("whsec_1");
});

test("no license is needed", async () => {
  using _ = openPage("/deployment/licenses", {
    entitlements: {
      features: { audit_log: { entitlement: "entitled", enabled: true } },
      warnings: [],
      errors: [],
      has_license: true,
      trial: false,
      require_telemetry: false,
      refreshed_at: TIME,
    },
  });
  await screen.findByText("No license is needed");
  await screen.findByText("Audit log", { selector: "[role=cell]" });
});

test("claims are mapped to organizations", async () => {
  using deployment = openPage("/deployment/idp-sync", {
    organizationSyncGet: { field: "", mapping: {}, organization_assign_default: true },
    organizationSyncUpdate: { field: "orgs", mapping: {}, organization_assign_default: false },
  });
  await fill("Claim", "orgs");
  await pick(/Everybody is in the default organization/);
  await press("Save");
  await screen.findByText("Settings saved.");
  expect(deployment.writes[0]!.body).toEqual({
    field: "orgs",
    mapping: {},
    organization_assign_default: false,
  });
});

const group = {
  id: uuid(85),
  name: "platform",
  display_name: "Platform",
  organization_id: organization.id,
  members: [user],
  total_member_count: 1,
  avatar_url: "",
  quota_allowance: 40,
  source: "user" as const,
  organization_name: "coder",
  organization_display_name: "Coder",
};

test("a member is added to a group and removed", async () => {
  const bea = { ...user, id: uuid(9), username: "bea" };
  using deployment = openPage(`/groups/${group.id}`, {
    groupGet: group,
    userList: { users: [user, bea], count: 2 },
    groupUpdate: group,
  });
  await fill("Add a member", "be");
  await click((await screen.findAllByRole("option"))[0]);
  await press("Remove ana");
  expect(deployment.writes.map(({ body }) => body)).toEqual([
    { add_users: [uuid(9)] },
    { remove_users: [user.id] },
  ]);
});

test("of the group of everybody, only the quota can be changed", async () => {
  const everyone = { ...group, id: organization.id, name: "Everyone", display_name: "" };
  using deployment = openPage("/groups", {
    groupList: [group, everyone],
    groupGet: everyone,
    groupUpdate: everyone,
  });
  await click(await screen.findByRole("link", { name: "Everyone" }));
  await screen.findByText("Everybody in the organization is in this group.");
  expect(screen.queryByRole("button", { name: "Remove ana" })).toBeNull();
  await choose("More actions", "Edit quota…");
  await fill("Quota", "10");
  await press("Save");
  expect(deployment.writes.map(({ body }) => body)).toEqual([{ quota_allowance: 10 }]);
});

test("quotas show who uses how much", async () => {
  using _ = openPage("/organizations/coder/quotas", {
    organizationGet: organization,
    organizationQuotas: {
      users: [
        {
          user_id: user.id,
          username: "ana",
          name: "Ana",
          avatar_url: "",
          credits_consumed: 45,
          budget: 40,
          limited: true,
        },
      ],
      count: 1,
      groups: [],
    },
  });
  await screen.findByText("45 of 40 credits");
  await screen.findByText("Over budget");
});

const role = (name: string, changes: object = {}) => ({
  name,
  display_name: "",
  organization_id: organization.id,
  site_permissions: [],
  organization_permissions: [{ negate: true, resource_type: "workspace", action: "delete" }],
  organization_member_permissions: [],
  user_permissions: [],
  assignable: true,
  built_in: false,
  ...changes,
});

test("a custom role keeps what its form does not show; built-in roles cannot be changed", async () => {
  using deployment = openPage("/organizations/coder/roles", {
    organizationGet: organization,
    organizationRoleList: [role("organization-admin", { built_in: true }), role("curator")],
    organizationRoleUpdate: [],
  });
  await screen.findByText("curator");
  expect(screen.queryByRole("button", { name: "More actions for organization-admin" })).toBeNull();
  await choose("More actions for curator", "Edit…");
  await pick("view insights");
  await press("Save role");
  expect(deployment.writes[0]!.body).toMatchObject({
    name: "curator",
    organization_permissions: [
      { negate: true, resource_type: "workspace", action: "delete" },
      { negate: false, resource_type: "template", action: "view_insights" },
    ],
  });
});

test("a member's roles are saved; removing a member asks first", async () => {
  const member = {
    user_id: uuid(9),
    organization_id: organization.id,
    created_at: TIME,
    updated_at: TIME,
    roles: [],
    username: "bea",
    email: "bea@example.com",
    global_roles: [],
  };
  using deployment = openPage("/organizations/coder", {
    organizationGet: organization,
    organizationRoleList: [role("curator")],
    memberListPaginated: { members: [member], count: 1 },
    memberRolesUpdate: member,
    memberRemove: undefined,
  });
  await choose("More actions for bea", "Edit roles…");
  await pick("curator");
  await press("Save roles");
  await choose("More actions for bea", "Remove…");
  await press("Remove member");
  expect(deployment.writes.map(({ route, body }) => [route, body])).toEqual([
    ["memberRolesUpdate", { roles: ["curator"] }],
    ["memberRemove", undefined],
  ]);
  expect(location.pathname).toBe("/organizations/coder/members");
});
