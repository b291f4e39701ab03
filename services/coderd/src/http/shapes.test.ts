import { spawnSync } from "node:child_process";
import { echoTemplate, TAR_MIMETYPE } from "@fleet/provisionersdk";
import { type RouteName, type RouteSpec, routes } from "@fleet/sdk";
import { createTestCoderd, type TestCoderd, type TestUser } from "../testing/coderd.js";
import { built, createTemplate, createWorkspace, ONE_AGENT, startProvisioner } from "../testing/work.js";

/*
 * Response fields that third-party clients read: Go programs, which decode into their own types, and JetBrains Toolbox,
 * which fails on a missing field. The names are upstream's (from its API documentation).
 */

let server: TestCoderd;
let owner: TestUser;
const organization = "default";

beforeAll(async () => {
  server = await createTestCoderd();
  owner = await server.owner();
});
afterAll(() => server[Symbol.asyncDispose]());

/** Sends the body verbatim, as a third-party client would. */
async function call(method: string, path: string, body?: unknown, user: TestUser = owner) {
  const response = await fetch(`${server.coderd.httpUrl}/api/v2${path}`, {
    method,
    headers: { "coder-session-token": user.token, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : undefined };
}

test("a provisioner key accepts null tags", async () => {
  const made = await call("POST", `/organizations/${organization}/provisionerkeys`, {
    name: "k",
    tags: null,
  });
  expect(made.status).toBe(201);
  const [key] = (await call("GET", `/organizations/${organization}/provisionerkeys`)).body;
  expect(key).toMatchObject({ name: "k", tags: {} });
});

test("setting the same password again is rejected, and ends no session", async () => {
  const ana = await server.user(owner);
  const answer = await call("PUT", `/users/${ana.id}/password`, { password: ana.password });
  expect(answer).toMatchObject({ status: 400, body: { message: "New password cannot match old password." } });
  expect((await call("GET", "/users/me", undefined, ana)).status).toBe(200);
});

test("an organization without a display name is shown by its name", async () => {
  const made = await call("POST", "/organizations", { name: "blank", display_name: "" });
  expect(made.body.display_name).toBe("blank");
  const path = `/organizations/${made.body.id}`;
  expect((await call("PATCH", path, { display_name: "Shown" })).body.display_name).toBe("Shown");
  expect((await call("PATCH", path, { display_name: "" })).body.display_name).toBe("blank");
  expect((await call("PATCH", path, { name: "other", display_name: "" })).body.display_name).toBe("other");
});

test("service accounts have no email, and several can exist", async () => {
  for (const username of ["robot", "crawler"]) {
    const made = await call("POST", "/users", { email: "", username, login_type: "none" });
    expect(made).toMatchObject({
      status: 201,
      body: { email: "", is_service_account: true, login_type: "none" },
    });
  }
  const flagged = await call("POST", "/users", { email: "", username: "runner", service_account: true });
  expect(flagged).toMatchObject({ status: 201, body: { login_type: "none" } });
  const person = await call("POST", "/users", { email: "", username: "somebody", password: owner.password });
  expect(person).toMatchObject({ status: 400, body: { validations: [{ field: "email" }] } });
});

test("creating a second first user is 400", async () => {
  const body = { email: "b@example.com", username: "b", password: owner.password };
  expect((await call("POST", "/users/first", body)).status).toBe(400);
});

test("only template admins of the access list can read its source", async () => {
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner, ONE_AGENT, "shared");
  const version = await owner.client.templateVersionGet({ params: { version: template.active_version_id } });
  const [admin, user] = [await server.user(owner), await server.user(owner)];
  const roles = { user_perms: { [admin.id]: "admin", [user.id]: "use" } };
  await call("PATCH", `/templates/${template.id}/acl`, roles);
  const fetched = (token: string) =>
    fetch(`${server.coderd.httpUrl}/api/v2/files/${version.job.file_id}`, {
      headers: { "coder-session-token": token },
    });
  expect((await fetched(admin.token)).status).toBe(200);
  expect((await fetched(user.token)).status).toBe(404);
  // A settings update without changes returns the same kind of response.
  const same = await call("PATCH", `/templates/${template.id}`, { name: "shared" });
  expect(same).toMatchObject({ status: 200, body: { id: template.id } });
});

test("a quota is available without an organization, too", async () => {
  expect((await call("GET", "/workspace-quota/me")).body).toEqual({
    credits_consumed: 0,
    budget: 0,
    limited: false,
  });
});

/** Keys that third-party clients declare, by the route that returns them. For a list, the keys of its first object. */
const SHAPES: readonly [path: string, keys: readonly string[], at?: string][] = [
  [
    "/users/me",
    [
      "id",
      "username",
      "avatar_url",
      "name",
      "email",
      "created_at",
      "updated_at",
      "last_seen_at",
      "status",
      "login_type",
      "organization_ids",
      "roles",
      "theme_preference",
    ],
  ],
  [
    "/users/roles",
    [
      "name",
      "display_name",
      "organization_id",
      "assignable",
      "built_in",
      "site_permissions",
      "organization_permissions",
      "user_permissions",
    ],
  ],
  [`/organizations/${organization}/members/roles`, ["organization_id", "organization_permissions"]],
  [
    `/organizations/${organization}/members`,
    [
      "user_id",
      "organization_id",
      "created_at",
      "updated_at",
      "roles",
      "username",
      "name",
      "avatar_url",
      "email",
      "global_roles",
    ],
  ],
  [`/organizations/${organization}/groups`, ["theme_preference"], "members"],
  [
    "/users/me/keys/tokens",
    [
      "id",
      "user_id",
      "last_used",
      "expires_at",
      "created_at",
      "updated_at",
      "login_type",
      "scope",
      "token_name",
      "lifetime_seconds",
      "username",
    ],
  ],
  [
    "/appearance",
    [
      "application_name",
      "logo_url",
      "docs_url",
      "service_banner",
      "announcement_banners",
      "notification_banners",
      "support_links",
    ],
  ],
  [
    "/debug/health",
    [
      "time",
      "healthy",
      "severity",
      "failing_sections",
      "derp",
      "access_url",
      "websocket",
      "database",
      "workspace_proxy",
      "provisioner_daemons",
      "coder_version",
    ],
  ],
  ["/debug/health", ["regions", "netcheck_logs", "error", "severity", "warnings", "dismissed"], "derp"],
  ["/debug/health", ["body", "code", "error", "severity", "warnings", "dismissed"], "websocket"],
  [
    "/buildinfo",
    [
      "external_url",
      "version",
      "dashboard_url",
      "telemetry",
      "workspace_proxy",
      "agent_api_version",
      "provisioner_api_version",
      "upgrade_message",
      "deployment_id",
    ],
  ],
];

test.each(SHAPES.map(([path, keys, at = ""]) => ({ path, keys, at })))(
  "$path $at has $keys",
  async ({ path, keys, at }) => {
    await owner.client.tokenCreate({ params: { user: "me" }, body: {} });
    const { status, body } = await call("GET", path);
    expect(status).toBe(200);
    const first = (value: unknown) => (Array.isArray(value) ? value[0] : value) as Record<string, unknown>;
    const found = at ? first(first(body)[at]) : first(body);
    expect(keys.filter((key) => found[key] === undefined)).toEqual([]);
  },
);

test("every GET route answers according to its schema", async () => {
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner, ONE_AGENT, "read");
  const workspace = await createWorkspace(owner, template);
  const build = await built(owner, workspace);
  const archive = new Uint8Array(await echoTemplate(ONE_AGENT));
  const { hash } = await owner.client.fileUpload({ body: archive, contentType: TAR_MIMETYPE });
  const group = await owner.client.groupCreate({ params: { organization }, body: { name: "readers" } });
  const version = await owner.client.templateVersionGet({ params: { version: template.active_version_id } });
  const params: Record<string, string> = {
    organization,
    user: "me",
    workspace: workspace.id,
    workspaceName: workspace.name,
    build: build.id,
    buildNumber: "1",
    agent: build.resources[0]!.agents![0]!.id,
    template: template.id,
    templateName: "read",
    version: version.id,
    versionName: version.name,
    group: group.id,
    groupName: "readers",
    job: build.job.id,
    file: hash,
  };
  const faults: string[] = [];
  for (const [name, route] of Object.entries<RouteSpec>(routes) as [RouteName, RouteSpec][]) {
    if (route.method !== "GET" || route.stream || !route.response || "raw" in route.response) continue;
    const path = route.path.replace(/:(\w+)/g, (_, param: string) => params[param] ?? "none");
    const response = await fetch(`${server.coderd.httpUrl}${path}`, {
      headers: { "coder-session-token": owner.token },
    });
    const text = await response.text();
    if (response.status !== 200) continue;
    const shape = route.response.safeParse(JSON.parse(text));
    if (!shape.success) faults.push(`${name}: ${shape.error.message}`);
  }
  expect(faults).toEqual([]);
});

test("the install script is valid sh and downloads from this deployment", async () => {
  const response = await fetch(`${server.coderd.httpUrl}/install.sh`);
  expect(response.headers.get("content-type")).toMatch(/^text\/plain/);
  const script = await response.text();
  expect(script).toContain(`url='${server.config.CODER_ACCESS_URL}'`);
  expect(spawnSync("sh", ["-n"], { input: script }).status).toBe(0);
});
