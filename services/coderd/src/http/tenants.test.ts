import pg from "pg";
import { createDatabase } from "../database/client.js";
import { createTestCoderd, type TestUser } from "../testing/coderd.js";
import { createTemplate, startProvisioner } from "../testing/work.js";

/** Rows of the other tenant, of each kind. */
const THEIRS = 2_000;
const PAGE = 25;
/** Of which there are about 35 members, each with a few rows beside it. */
const ROWS_AT_MOST = 300;
/** Thousands of rows, possibly on a busy machine. */
const LIMIT_MS = 180_000;

/**
 * Fills another organization: members, groups, templates, workspaces and tokens, of one user each. Written by statements,
 * since thousands of requests would take minutes.
 */
const FILL = (organization: string, template: string) => [
  `CREATE TEMP TABLE theirs AS SELECT gen_random_uuid() AS id, i FROM generate_series(1, ${THEIRS}) i`,
  `INSERT INTO users (id, email, username, updated_at)
     SELECT id, 't' || i || '@example.com', 't' || lpad(i::text, 5, '0'), now() FROM theirs`,
  `INSERT INTO organization_members (organization_id, user_id, updated_at)
     SELECT '${organization}', id, now() FROM theirs`,
  `INSERT INTO groups (organization_id, name) SELECT '${organization}', 'g' || i FROM theirs`,
  `INSERT INTO group_members (group_id, user_id)
     SELECT g.id, t.id FROM groups g JOIN theirs t ON g.name = 'g' || t.i`,
  `INSERT INTO api_keys (id, user_id, secret_hash, login_type, token_name, lifetime_seconds, updated_at, expires_at)
     SELECT 'k' || i, id, '', 'token', 't', 3600, now(), now() + interval '1 hour' FROM theirs`,
  // Copies of a template, with the group of all members on its list, as the API makes them.
  `INSERT INTO templates SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), 'name', 'x' || i,
       'organization_id', '${organization}', 'group_acl', jsonb_build_object('${organization}', '["use"]'::jsonb)))).*
     FROM templates t, theirs WHERE t.id = '${template}'`,
];

test(
  "a page and its count are of what the reader may see, and nothing of another tenant is loaded",
  async () => {
    await using server = await createTestCoderd();
    const owner = await server.owner();
    const { client } = owner;
    await using daemon = await startProvisioner(server);
    daemon.serve();
    const template = await createTemplate(owner);
    const theirs = (await client.organizationCreate({ body: { name: "theirs" } })).id;
    const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 1 });
    await using _ = { [Symbol.asyncDispose]: close };
    await db.$transaction(async (tx) => {
      for (const statement of FILL(theirs, template.id)) await tx.$executeRawUnsafe(statement);
    });
    const auditor = await server.user(owner, { username: "auditor" });
    const params = { organization: "default" };
    await client.memberRolesUpdate({
      params: { ...params, user: auditor.id },
      body: { roles: ["organization-auditor"] },
    });
    const ours = await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        client.userCreate({
          body: { email: `m${i}@example.com`, username: `m${i}`, password: "SomeSecurePassword!" },
        }),
      ),
    );
    const member = await server.user(owner, { username: "member" });

    // An organization's auditor reads its members, its groups and its templates; a member itself and its templates.
    const page = { limit: PAGE, offset: 0 };
    const members = await auditor.client.memberListPaginated({ params, query: page });
    expect([members.members.length, members.count]).toEqual([PAGE, ours.length + 3]);
    const rest = await auditor.client.memberListPaginated({ params, query: { ...page, offset: PAGE } });
    expect(rest.members.length).toBe(members.count - PAGE);
    expect((await member.client.memberListPaginated({ params, query: page })).count).toBe(1);
    for (const { client: reader } of [auditor, member]) {
      expect((await reader.templateList({ query: {} })).map(({ id }) => id)).toEqual([template.id]);
      expect((await reader.groupList({ query: {} })).map(({ name }) => name)).toEqual(["Everyone"]);
      expect((await reader.organizationList()).map(({ is_default }) => is_default)).toEqual([true]);
      expect((await reader.workspaceList({ query: {} })).count).toBe(0);
      expect(await reader.tokenList({ params: { user: "me" }, query: { include_all: true } })).toEqual([]);
    }
    const [everyone] = await member.client.groupList({ query: {} });
    expect([everyone!.members.map(({ username }) => username), everyone!.total_member_count]).toEqual([
      ["member"],
      members.count,
    ]);

    const LISTS: Record<string, (reader: TestUser) => Promise<unknown>> = {
      "members of an organization": ({ client }) => client.memberList({ params }),
      "a page of members": ({ client }) => client.memberListPaginated({ params, query: page }),
      "owners of new workspaces": ({ client }) =>
        client.memberAvailableOwnerList({ params: { ...params, user: "me" }, query: page }),
      organizations: ({ client }) => client.organizationList(),
      "one's organizations": ({ client }) => client.userOrganizationList({ params: { user: "me" } }),
      templates: ({ client }) => client.templateList({ query: {} }),
      groups: ({ client }) => client.groupList({ query: {} }),
      "groups of an organization": ({ client }) => client.groupListByOrganization({ params }),
      users: ({ client }) => client.userList({ query: {} }),
      tokens: ({ client }) => client.tokenList({ params: { user: "me" }, query: { include_all: true } }),
      workspaces: ({ client }) => client.workspaceList({ query: {} }),
    };
    for (const reader of [member, auditor]) {
      for (const [name, list] of Object.entries(LISTS)) {
        const loaded = await loadedBy(() => list(reader));
        const foreign = loaded.filter((row) => row.includes(theirs));
        expect([name, loaded.length > 0, loaded.length < ROWS_AT_MOST, foreign]).toEqual([
          name,
          true,
          true,
          [],
        ]);
      }
    }
  },
  LIMIT_MS,
);

/** Every row that Postgres sent to this process in the meantime, as JSON. */
async function loadedBy(work: () => Promise<unknown>): Promise<string[]> {
  const rows: string[] = [];
  const taken = (result: { rows?: unknown[] } | undefined) => {
    rows.push(...(result?.rows ?? []).map((row) => JSON.stringify(row)));
  };
  type Done = (error: unknown, result?: { rows?: unknown[] }) => void;
  const prototype = pg.Client.prototype as unknown as Record<"query", (...given: unknown[]) => unknown>;
  const { query } = prototype;
  // A pool gives a callback; a transaction takes a promise.
  prototype.query = function record(this: unknown, ...given: unknown[]) {
    const done = given.at(-1);
    if (typeof done === "function") {
      const told: Done = (error, result) => {
        taken(result);
        (done as Done)(error, result);
      };
      return query.apply(this, [...given.slice(0, -1), told]);
    }
    const answer = query.apply(this, given) as Promise<{ rows?: unknown[] }>;
    return answer.then((result) => {
      taken(result);
      return result;
    });
  };
  try {
    await work();
  } finally {
    prototype.query = query;
  }
  return rows;
}
