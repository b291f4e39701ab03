import { randomUUID } from "node:crypto";
import { createTestCoderd, type TestCoderd } from "../testing/coderd.js";
import { SCHEMA } from "./schema.js";

const TOKEN = "scim-secret";
// biome-ignore lint/suspicious/noExplicitAny: the shape is what the tests look at
type Json = any;
type Answer = { status: number; headers: Headers; body: Json };

const start = (env: Record<string, string> = {}) =>
  createTestCoderd({ env: { CODER_SCIM_AUTH_HEADER: TOKEN, ...env } });

function clientOf(server: TestCoderd, authorization = `Bearer ${TOKEN}`) {
  return async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${server.coderd.httpUrl}/scim/v2${path}`, {
      method,
      headers: { Authorization: authorization, "Content-Type": "application/scim+json", ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text ? JSON.parse(text) : undefined,
    } satisfies Answer as Answer;
  };
}

const person = (name: string, more: Record<string, unknown> = {}) => ({
  schemas: [SCHEMA.user],
  userName: `${name}@example.com`,
  name: { givenName: "Ana", familyName: "Ba" },
  emails: [{ value: `${name}@example.com`, type: "work", primary: true }],
  active: true,
  ...more,
});
const patch = (...Operations: unknown[]) => ({ Operations });

test("a user is provisioned, changed, suspended, deleted and provisioned again", async () => {
  await using server = await start();
  const owner = await server.owner();
  const scim = clientOf(server);

  const created = await scim("POST", "/Users", person("ana.ba", { externalId: "00u1" }));
  expect(created.status).toBe(201);
  expect(created.headers.get("content-type")).toBe("application/scim+json");
  expect(created.headers.get("location")).toBe(created.body.meta.location);
  const { id } = created.body;
  const user = () => owner.client.userGet({ params: { user: id } });
  expect(await user()).toMatchObject({
    username: "ana-ba",
    email: "ana.ba@example.com",
    name: "Ana Ba",
    status: "dormant",
    login_type: "oidc",
    organization_ids: [expect.any(String)],
  });

  const renamed = await scim(
    "PATCH",
    `/Users/${id}`,
    patch({ op: "replace", path: "userName", value: "ana@new.test" }),
  );
  expect(renamed).toMatchObject({ status: 200, body: { userName: "ana@new.test", externalId: "00u1" } });
  expect((await user()).username).toBe("ana-ba");

  await scim("PATCH", `/Users/${id}`, patch({ op: "Replace", path: "active", value: "False" }));
  expect((await user()).status).toBe("suspended");
  await scim("PUT", `/Users/${id}`, person("ana.ba", { userName: "ana@new.test" }));
  expect((await user()).status).toBe("dormant");

  expect((await scim("DELETE", `/Users/${id}`)).status).toBe(204);
  expect((await user()).status).toBe("suspended");
  expect((await scim("GET", `/Users/${id}`)).status).toBe(404);
  expect((await scim("DELETE", `/Users/${id}`)).status).toBe(404);
  expect((await scim("GET", '/Users?filter=userName eq "ana@new.test"')).body.totalResults).toBe(0);
  const again = await scim("POST", "/Users", person("ana.ba"));
  expect(again).toMatchObject({ status: 201, body: { id, active: true } });
  expect((await user()).status).toBe("dormant");

  const { audit_logs } = await owner.client.auditList({ query: { q: `resource_id:${id}` } });
  expect(audit_logs.length).toBeGreaterThanOrEqual(6);
  expect(audit_logs.every((entry) => entry.user === null)).toBe(true);
});

test("suspension ends the user's sessions", async () => {
  await using server = await start();
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  const scim = clientOf(server);
  await ana.client.userGet({ params: { user: "me" } });
  const { status } = await scim(
    "PATCH",
    `/Users/${ana.id}`,
    patch({ op: "replace", value: { active: false } }),
  );
  expect(status).toBe(200);
  await expect(ana.client.userGet({ params: { user: "me" } })).rejects.toMatchObject({
    code: "unauthenticated",
  });
});

test("names and addresses belong to one user, and the last owner stays", async () => {
  await using server = await start();
  const owner = await server.owner();
  const scim = clientOf(server);
  const { body: ana } = await scim("POST", "/Users", person("ana"));
  const { body: ben } = await scim("POST", "/Users", person("ben"));
  const uniqueness = { status: 409, body: { status: "409", scimType: "uniqueness" } };
  expect(await scim("POST", "/Users", person("ANA"))).toMatchObject(uniqueness);
  const rename = patch({ op: "replace", path: "userName", value: "Ana@example.com" });
  expect(await scim("PATCH", `/Users/${ben.id}`, rename)).toMatchObject(uniqueness);
  const readdress = patch({
    op: "replace",
    path: 'emails[type eq "work"].value',
    value: "OWNER@example.com",
  });
  expect(await scim("PATCH", `/Users/${ben.id}`, readdress)).toMatchObject(uniqueness);
  // The name of somebody whom no client has provisioned is the address.
  const taken = patch({ op: "replace", path: "userName", value: "owner@example.com" });
  expect(await scim("PATCH", `/Users/${ben.id}`, taken)).toMatchObject(uniqueness);
  expect((await scim("GET", `/Users/${ben.id}`)).body.userName).toBe("ben@example.com");

  // Somebody whom no client has provisioned is taken over, once.
  const other = await server.user(owner, { username: "cy" });
  const over = await scim("POST", "/Users", person("cy", { userName: "cy.young" }));
  expect(over).toMatchObject({ status: 201, body: { id: other.id, userName: "cy.young" } });
  expect(await scim("POST", "/Users", person("cy", { userName: "cy.old" }))).toMatchObject(uniqueness);
  expect((await scim("DELETE", `/Users/${owner.id}`)).status).toBe(403);
  const address = patch({ op: "replace", path: "emails.value", value: "evil@example.com" });
  expect((await scim("PATCH", `/Users/${owner.id}`, address)).status).toBe(403);
  expect((await scim("GET", `/Users/${ana.id}`)).status).toBe(200);
});

test("a group's members follow the client, in its dialects, and hidden members stay", async () => {
  await using server = await start();
  const owner = await server.owner();
  const scim = clientOf(server);
  const ids = [];
  for (const name of ["ana", "ben", "cy"])
    ids.push((await scim("POST", "/Users", person(name))).body.id as string);
  const [ana, ben, cy] = ids as [string, string, string];
  const { body: group, status } = await scim("POST", "/Groups", {
    displayName: "Développeurs (EMEA) / Ünit",
    externalId: "g1",
    members: [{ value: ana }, { value: ana.toUpperCase() }],
  });
  expect(status).toBe(201);
  const members = async () => {
    const { body } = await scim("GET", `/Groups/${group.id}`);
    return ((body.members as { value: string }[]) ?? []).map(({ value }) => value).sort();
  };
  expect(await members()).toEqual([ana]);
  const named = await owner.client.groupGet({ params: { group: group.id } });
  expect(named).toMatchObject({
    name: "Developpeurs-EMEA-Unit",
    display_name: "Développeurs (EMEA) / Ünit",
    source: "oidc",
  });
  const robot = await owner.client.userCreate({
    body: { username: "robot", email: "", service_account: true },
  });
  await owner.client.memberAdd({ params: { organization: "default", user: "robot" } });
  await owner.client.groupUpdate({ params: { group: group.id }, body: { add_users: [robot.id] } });

  const path = `/Groups/${group.id}`;
  await scim("PATCH", path, patch({ op: "Add", path: "members", value: [{ value: ben }, { value: ana }] }));
  expect(await members()).toEqual([ana, ben].sort());
  await scim("PATCH", path, patch({ op: "Remove", path: "members", value: [{ value: ana }] }));
  await scim("PATCH", path, patch({ op: "remove", path: `members[value eq "${ben}"]` }));
  expect(await members()).toEqual([]);
  const okta = { op: "replace", value: { id: group.id, displayName: "Renamed" } };
  expect((await scim("PATCH", path, patch(okta))).body.displayName).toBe("Renamed");
  await scim("PUT", path, { displayName: "Renamed", members: [{ value: cy }] });
  expect(await members()).toEqual([cy]);
  const seen = await owner.client.groupGet({ params: { group: group.id } });
  expect(seen.members.map(({ username }) => username).sort()).toEqual(["cy", "robot"]);
  expect((await scim("GET", `/Users/${cy}`)).body.groups).toMatchObject([
    { value: group.id, display: "Renamed" },
  ]);
  const ofCy = await scim("GET", `/Groups?filter=members[value eq "${cy}"]&excludedAttributes=members`);
  expect(ofCy.body.Resources).toMatchObject([{ id: group.id }]);
  expect(ofCy.body.Resources[0].members).toBeUndefined();

  for (const value of [randomUUID(), "x", robot.id])
    expect(
      await scim("PATCH", path, patch({ op: "add", path: "members", value: [{ value }] })),
    ).toMatchObject({
      status: 400,
      body: { scimType: "invalidValue" },
    });
  const twin = await scim("POST", "/Groups", { displayName: "RENAMED" });
  expect(twin).toMatchObject({ status: 409, body: { scimType: "uniqueness" } });
  // What is deleted leaves its groups, so that it does not come back with them.
  await scim("DELETE", `/Users/${cy}`);
  await scim("POST", "/Users", person("cy"));
  expect(await members()).toEqual([]);
  expect((await scim("DELETE", path)).status).toBe(204);
  expect((await scim("GET", path)).status).toBe(404);
  const everyone = await owner.client.groupGetByName({
    params: { organization: "default", groupName: "Everyone" },
  });
  expect((await scim("DELETE", `/Groups/${everyone.id}`)).status).toBe(404);
});

test("versions: unchanged resources are not sent again, and changes of old copies are refused", async () => {
  await using server = await start();
  await server.owner();
  const scim = clientOf(server);
  const { body, headers } = await scim("POST", "/Users", person("ana"));
  const version = headers.get("etag")!;
  expect(body.meta.version).toBe(version);
  expect(
    (
      await scim("GET", `/Users/${body.id}`, undefined, {
        "If-None-Match": version,
        "Cache-Control": "max-age=0",
      })
    ).status,
  ).toBe(304);
  const change = (title: string) => patch({ op: "replace", path: "title", value: title });
  const first = await scim("PATCH", `/Users/${body.id}`, change("a"), { "If-Match": version });
  expect(first.status).toBe(200);
  expect((await scim("PATCH", `/Users/${body.id}`, change("b"), { "If-Match": version })).status).toBe(412);
  expect((await scim("DELETE", `/Users/${body.id}`, undefined, { "If-Match": '"x", nonsense' })).status).toBe(
    412,
  );
  const list = `"x", ${first.headers.get("etag")}`;
  expect((await scim("PATCH", `/Users/${body.id}`, change("c"), { "If-Match": list })).status).toBe(200);
  expect((await scim("PATCH", `/Users/${body.id}`, change("d"), { "If-Match": "*" })).status).toBe(200);

  const { body: group, headers: tagged } = await scim("POST", "/Groups", { displayName: "devs" });
  const add = patch({ op: "add", path: "members", value: [{ value: body.id }] });
  const changed = await scim("PATCH", `/Groups/${group.id}`, add, { "If-Match": tagged.get("etag")! });
  expect(changed.headers.get("etag")).not.toBe(tagged.get("etag"));
  const slim = await scim("GET", `/Groups/${group.id}?excludedAttributes=members`);
  expect(slim.headers.get("etag")).toBe(changed.headers.get("etag"));
});

test("concurrent changes of one group all happen", async () => {
  await using server = await start();
  await server.owner();
  const scim = clientOf(server);
  const users = await Promise.all(
    Array.from({ length: 8 }, (_, index) => scim("POST", "/Users", person(`u${index}`))),
  );
  expect(users.map(({ status }) => status)).toEqual(users.map(() => 201));
  const { body: group } = await scim("POST", "/Groups", { displayName: "devs" });
  const answers = await Promise.all(
    users.map(({ body }) =>
      scim(
        "PATCH",
        `/Groups/${group.id}`,
        patch({ op: "add", path: "members", value: [{ value: body.id }] }),
      ),
    ),
  );
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  expect((await scim("GET", `/Groups/${group.id}`)).body.members).toHaveLength(8);
  const twins = await Promise.all(Array.from({ length: 4 }, () => scim("POST", "/Users", person("twin"))));
  expect(twins.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
});

test("lists are paged from 1, filtered, sorted and cut to attributes", async () => {
  await using server = await start();
  await server.owner();
  const scim = clientOf(server);
  for (const name of ["cy", "ana", "ben"]) await scim("POST", "/Users", person(name, { title: name }));
  const list = async (query: string) => (await scim("GET", `/Users?${query}`)).body;
  const names = ({ Resources }: Json) => Resources.map(({ userName }: Json) => userName.split("@")[0]);
  expect(await list("")).toMatchObject({ totalResults: 4, startIndex: 1, itemsPerPage: 4 });
  expect(await list("count=0")).toMatchObject({ totalResults: 4, itemsPerPage: 0, Resources: [] });
  expect(await list("count=-5&startIndex=-3")).toMatchObject({
    totalResults: 4,
    startIndex: 1,
    itemsPerPage: 0,
  });
  const pages = [await list("startIndex=1&count=3"), await list("startIndex=4&count=3")];
  expect(new Set(pages.flatMap(names)).size).toBe(4);
  expect(names(await list("sortBy=userName&startIndex=2&count=2"))).toEqual(["ben", "cy"]);
  expect(names(await list("sortBy=emails.value&sortOrder=descending"))).toEqual([
    "owner",
    "cy",
    "ben",
    "ana",
  ]);
  const filtered = await list('filter=title sw "b" or title eq "CY"&attributes=userName,name.familyName');
  expect(filtered.totalResults).toBe(2);
  expect(Object.keys(filtered.Resources[0]).sort()).toEqual(["id", "name", "schemas", "userName"]);
  expect(filtered.Resources[0].name).toEqual({ familyName: "Ba" });
  const search = await scim("POST", "/.search", {
    filter: 'displayName eq "x" or userName eq "ana@example.com"',
  });
  expect(search.body).toMatchObject({ totalResults: 1, Resources: [{ userName: "ana@example.com" }] });
  await scim("POST", "/Groups", { displayName: "devs" });
  const both = await scim("POST", "/.search", { startIndex: 4, count: 2 });
  expect(both.body.totalResults).toBe(5);
  expect(both.body.Resources.map((one: Json) => one.meta.resourceType)).toEqual(["User", "Group"]);
});

test("ten thousand members fit into one request", async () => {
  await using server = await start();
  await server.owner();
  const scim = clientOf(server);
  const { body: group } = await scim("POST", "/Groups", { displayName: "everybody" });
  const { body: ana } = await scim("POST", "/Users", person("ana"));
  const unknown = Array.from({ length: 10_000 }, () => ({ value: randomUUID() }));
  const add = (value: unknown) =>
    scim("PATCH", `/Groups/${group.id}`, patch({ op: "add", path: "members", value }));
  expect(await add(unknown)).toMatchObject({ status: 400, body: { scimType: "invalidValue" } });
  expect((await add(unknown.map(() => ({ value: ana.id })))).status).toBe(200);
  const removals = unknown
    .slice(0, 1_000)
    .map(({ value }) => ({ op: "remove", path: `members[value eq "${value}"]` }));
  expect((await scim("PATCH", `/Groups/${group.id}`, patch(...removals))).body.members).toHaveLength(1);
  expect(await add(Array.from({ length: 20_001 }, () => ({ value: ana.id })))).toMatchObject({
    status: 400,
    body: { scimType: "tooMany" },
  });
});

test("only the token lets anybody in, and without one there is no service", async () => {
  await using server = await start();
  const owner = await server.owner();
  for (const authorization of ["", "Bearer x", `Bearer ${TOKEN}x`, `Bearer ${owner.token}`]) {
    const { status, body, headers } = await clientOf(server, authorization)("GET", "/Users");
    expect([status, body.status]).toEqual([401, "401"]);
    expect(headers.get("www-authenticate")).toContain("Bearer");
  }
  const session = await fetch(`${server.coderd.httpUrl}/scim/v2/Users`, {
    headers: { "Coder-Session-Token": owner.token },
  });
  expect(session.status).toBe(401);
  expect((await clientOf(server, TOKEN)("GET", "/Users")).status).toBe(200);
  expect((await clientOf(server)("GET", "/Nothing")).body.schemas).toContain(
    "urn:ietf:params:scim:api:messages:2.0:Error",
  );
  expect((await owner.client.entitlements()).features.scim!.enabled).toBe(true);
  await using without = await createTestCoderd();
  const admin = await without.owner();
  expect((await clientOf(without)("GET", "/Users")).status).toBe(404);
  expect((await admin.client.entitlements()).features.scim!.enabled).toBe(false);
});

test("hostile requests are refused in SCIM's words, never with an internal error", async () => {
  await using server = await start();
  await server.owner();
  const scim = clientOf(server);
  const { body: ana } = await scim("POST", "/Users", person("ana"));
  const bodies: unknown[] = [
    "",
    "{",
    "[]",
    "null",
    "1",
    "[".repeat(100_000),
    {},
    { userName: null },
    { userName: { a: 1 } },
    { userName: "a\u0000b", emails: [{ value: "a@b.c" }] },
    { userName: "x", emails: "nonsense" },
    { userName: "x", emails: [{ value: "no address" }] },
    { userName: "x", emails: [null, [], 1] },
    { userName: "x".repeat(5_000), emails: [{ value: "a@b.c" }] },
    { userName: "x", emails: Array.from({ length: 51 }, () => ({ value: "a@b.c" })) },
    { userName: "x", emails: [{ value: "a@b.c" }], name: "text" },
    { userName: "x", emails: [{ value: "a@b.c" }], active: "perhaps" },
    { Operations: [{ op: "add", path: "__proto__", value: "x" }] },
    { Operations: [{ op: "add", path: "constructor.prototype", value: "x" }] },
  ];
  for (const body of bodies) {
    for (const [method, path] of [
      ["POST", "/Users"],
      ["PUT", `/Users/${ana.id}`],
      ["PATCH", `/Users/${ana.id}`],
      ["POST", "/Groups"],
    ]) {
      const { status, body: answer } = await scim(method!, path!, body);
      if (status === 200 || status === 201) continue;
      expect([400, 409]).toContain(status);
      expect(answer).toMatchObject({ status: String(status), detail: expect.any(String) });
    }
  }
  for (const path of [
    "/Users?filter=(((((",
    `/Users?filter=${encodeURIComponent("(".repeat(4_000))}`,
    "/Users?startIndex=x",
    `/Users?attributes=${"a,".repeat(200)}`,
    "/Users?sortOrder=up",
    "/Users/not-an-id",
    `/Users/${randomUUID()}`,
    "/Nothing",
    "/Schemas/unknown",
    "/ResourceTypes?filter=x",
  ]) {
    const { status, body } = await scim("GET", path);
    expect([400, 403, 404]).toContain(status);
    expect(body.status).toBe(String(status));
  }
  expect((await scim("GET", `/Users?filter=id eq "nonsense"`)).body.totalResults).toBe(0);
  const odd = {
    USERNAME: "odd@example.com",
    unknown: { deep: [1] },
    Active: "TRUE",
    nickName: null,
    emails: null,
  };
  const created = await scim("POST", "/Users", odd);
  expect(created).toMatchObject({ status: 201, body: { userName: "odd@example.com", active: true } });
});
