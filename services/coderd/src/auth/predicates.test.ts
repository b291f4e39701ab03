import { randomUUID } from "node:crypto";
import {
  type AccessObject,
  type Action,
  authorize,
  ORGANIZATION_ROLES,
  type Resource,
  reach,
  SITE_ROLES,
  type Subject,
} from "@fleet/rbac";
import { createDatabase } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { createTestCoderd } from "../testing/coderd.js";
import { rolesAllowing } from "./acl.js";
import { reachable } from "./predicates.js";
import { WORKSPACE_ACTIONS, workspaceObject } from "./workspace-access.js";

const [ACME, OTHER] = [randomUUID(), randomUUID()];
const [ANA, BEN] = [randomUUID(), randomUUID()];
const GROUP = randomUUID();

/** Objects of every owner and organization, shared and not. */
const OBJECTS = [ACME, OTHER].flatMap((organizationId) =>
  [ANA, BEN].flatMap((ownerId) =>
    [{}, { [ANA]: ["use"] }, { [ANA]: ["admin"] }, { [BEN]: ["use"] }, { [ANA]: ["unknown"] }].flatMap(
      (userAcl) =>
        [{}, { [GROUP]: ["use"] }, { [GROUP]: ["admin"], [ACME]: ["use"] }].map((groupAcl) => ({
          id: randomUUID(),
          ownerId,
          organizationId,
          userAcl,
          groupAcl,
        })),
    ),
  ),
);

const SUBJECTS: Record<string, Subject> = Object.fromEntries(
  [undefined, ...Object.keys(SITE_ROLES)].flatMap((site) =>
    [undefined, "none", ...Object.keys(ORGANIZATION_ROLES)].flatMap((role) =>
      [[], [GROUP]].map((groups): [string, Subject] => [
        `${site} ${role} ${groups.length}`,
        {
          userId: ANA,
          roles: site ? [site] : [],
          orgRoles: role === undefined ? {} : { [ACME]: [role, "organization-workspace-access"] },
          groups,
        },
      ]),
    ),
  ),
);
const MEMBER = SUBJECTS["undefined none 1"]!;
SUBJECTS["custom role"] = { ...MEMBER, orgRoles: { [ACME]: [{ all: { workspace: ["read"] } }] } };
SUBJECTS.denied = { ...MEMBER, orgRoles: { [ACME]: [{ deny: { workspace: ["read"] } }] } };
SUBJECTS.scoped = { ...MEMBER, scope: ["workspace:read"] };
SUBJECTS["other scope"] = { ...MEMBER, roles: ["owner"], scope: ["template:read"] };
SUBJECTS["allow-list"] = {
  ...MEMBER,
  roles: ["owner"],
  allowList: [{ type: "workspace", id: OBJECTS[0]!.id }],
};
SUBJECTS["no sharing"] = { ...MEMBER, workspaceSharing: false };

test("lists in SQL hold what single decisions allow, whoever asks", async () => {
  await using server = await createTestCoderd();
  const { db, close } = createDatabase({ url: server.config.CODER_PG_CONNECTION_URL, poolSize: 2 });
  await using _ = { [Symbol.asyncDispose]: close };
  await db.$executeRaw`
    CREATE TABLE objects (id uuid, "ownerId" uuid, "organizationId" uuid, "userAcl" jsonb, "groupAcl" jsonb)`;
  await db.$executeRaw`
    INSERT INTO objects SELECT * FROM jsonb_populate_recordset(NULL::objects, ${JSON.stringify(OBJECTS)}::jsonb)`;
  const list = async (subject: Subject, action: Action, type: Resource) => {
    const columns = {
      id: Prisma.sql`id`,
      organization: Prisma.sql`"organizationId"`,
      owner: Prisma.sql`"ownerId"`,
      acl: {
        users: Prisma.sql`"userAcl"`,
        groups: Prisma.sql`"groupAcl"`,
        roles: rolesAllowing(action, WORKSPACE_ACTIONS),
      },
    };
    const rows = await db.$queryRaw<{ id: string }[]>`
      SELECT id FROM objects WHERE ${reachable(reach(subject, action, type), columns)}`;
    return rows.map(({ id }) => id).sort();
  };
  let checked = 0;
  for (const [name, subject] of Object.entries(SUBJECTS)) {
    for (const action of ["read", "update", "delete", "ssh", "share"] as const) {
      const allowed = OBJECTS.filter((object) => authorize(subject, action, workspaceObject(object)));
      const expected = allowed.map(({ id }) => id).sort();
      expect([name, action, await list(subject, action, "workspace")]).toEqual([name, action, expected]);
      checked += expected.length;
    }
    // Of a type without ACLs, the columns are not looked at.
    const object = ({ id, ownerId, organizationId: orgId }: (typeof OBJECTS)[number]): AccessObject => ({
      type: "provisioner_jobs",
      id,
      ownerId,
      orgId,
    });
    const allowed = OBJECTS.filter((one) => authorize(subject, "read", object(one)));
    expect(await list(subject, "read", "provisioner_jobs")).toEqual(allowed.map(({ id }) => id).sort());
  }
  expect(checked).toBeGreaterThan(1_000);
}, 120_000);
