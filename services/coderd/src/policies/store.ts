import { type Database, inTransaction, isUniqueViolation, type Transaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import type { BuildTransition } from "../database/gen/enums.js";
import { PolicyNameTaken, TooManyPolicies } from "./errors.js";

export type PolicyMode = "deny" | "warn" | "dry";

/** What a version of a policy says. */
export type PolicyContent = {
  mode: PolicyMode;
  transitions: BuildTransition[];
  expression: string;
  message: string;
  /** Empty for none. */
  messageExpression: string;
};

export type PolicyAuthor = { authorId: string | null; authorName: string | null };

/** A policy with its current version. */
export type PolicyRow = PolicyContent &
  PolicyAuthor & {
    id: string;
    name: string;
    /** Null for a policy of the deployment. */
    organizationId: string | null;
    organizationName: string | null;
    /** Null unless it is of one template. */
    templateId: string | null;
    templateName: string | null;
    templateUserAcl: unknown;
    templateGroupAcl: unknown;
    version: number;
    createdAt: Date;
    updatedAt: Date;
  };

export type PolicyVersionRow = PolicyContent & PolicyAuthor & { version: number; createdAt: Date };

export type PolicyTemplate = { id: string; organizationId: string; userAcl: unknown; groupAcl: unknown };

/** Where a policy is created. */
export type NewPolicy = PolicyContent & {
  id: string;
  name: string;
  organizationId: string | null;
  templateId: string | null;
  authorId: string;
};

/** Stores policies and their versions. */
export type PolicyStore = {
  find(id: string): Promise<PolicyRow | undefined>;
  /** By scope and name. With a template: those that judge its builds. */
  list(filter?: { organizationId?: string; judgesTemplate?: PolicyTemplate }): Promise<PolicyRow[]>;
  /** The template, unless it was deleted. */
  template(id: string): Promise<PolicyTemplate | undefined>;
  /** @throws PolicyNameTaken, TooManyPolicies. */
  insert(policy: NewPolicy, now: Date): Promise<void>;
  /**
   * Adds a version that differs from the current one by `change`; none if nothing would differ. False if the policy does
   * not exist any more.
   */
  addVersion(
    id: string,
    change: (current: PolicyContent) => PolicyContent,
    authorId: string,
    now: Date,
  ): Promise<boolean>;
  /** Newest first; at most VERSIONS_SHOWN. */
  versions(id: string): Promise<PolicyVersionRow[]>;
  delete(id: string, now: Date): Promise<void>;
};

/** Policies in one scope: each build evaluates all of those that apply to it. */
const MAX_POLICIES = 100;
const VERSIONS_SHOWN = 200;

const CONTENT = Prisma.sql`v.mode, v.transitions::text[] AS transitions, v.expression, v.message,
  v.message_expression AS "messageExpression", v.author_id AS "authorId", u.username AS "authorName"`;

export function createPolicyStore(db: Database): PolicyStore {
  async function read(where: Prisma.Sql): Promise<PolicyRow[]> {
    return db.$queryRaw<PolicyRow[]>`
      SELECT p.id, p.name, p.organization_id AS "organizationId", o.name AS "organizationName",
        p.template_id AS "templateId", t.name AS "templateName", t.user_acl AS "templateUserAcl",
        t.group_acl AS "templateGroupAcl", p.version, p.created_at AS "createdAt", p.updated_at AS "updatedAt", ${CONTENT}
      FROM policies p
      JOIN policy_versions v ON v.policy_id = p.id AND v.version = p.version
      LEFT JOIN users u ON u.id = v.author_id
      LEFT JOIN organizations o ON o.id = p.organization_id
      LEFT JOIN templates t ON t.id = p.template_id
      WHERE p.deleted_at IS NULL AND o.deleted IS NOT TRUE AND t.deleted IS NOT TRUE AND ${where}
      ORDER BY p.organization_id NULLS FIRST, p.template_id NULLS FIRST, p.name`;
  }

  return {
    find: async (id) => (await read(Prisma.sql`p.id = ${id}::uuid`))[0],

    list({ organizationId, judgesTemplate } = {}) {
      if (judgesTemplate) {
        return read(Prisma.sql`(p.organization_id IS NULL OR p.organization_id = ${judgesTemplate.organizationId}::uuid)
          AND (p.template_id IS NULL OR p.template_id = ${judgesTemplate.id}::uuid)`);
      }
      return read(
        organizationId ? Prisma.sql`p.organization_id = ${organizationId}::uuid` : Prisma.sql`true`,
      );
    },

    async template(id) {
      const select = { id: true, organizationId: true, userAcl: true, groupAcl: true };
      return (await db.template.findFirst({ where: { id, deleted: false }, select })) ?? undefined;
    },

    async insert({ id, name, organizationId, templateId, authorId, ...content }, now) {
      await inTransaction(db, async (tx) => {
        const rows = await tx.$queryRaw<{ count: number }[]>`
          SELECT count(*)::int AS count FROM policies WHERE deleted_at IS NULL
            AND organization_id IS NOT DISTINCT FROM ${organizationId}::uuid
            AND template_id IS NOT DISTINCT FROM ${templateId}::uuid`;
        if (rows[0]!.count >= MAX_POLICIES) throw new TooManyPolicies(MAX_POLICIES);
        const policy = { id, name, organizationId, templateId, createdAt: now, updatedAt: now };
        await tx.policy.create({ data: policy });
        await tx.policyVersion.create({
          data: { policyId: id, version: 1, authorId, createdAt: now, ...content },
        });
      }).catch((error: unknown) => {
        throw isUniqueViolation(error) ? new PolicyNameTaken(name) : error;
      });
    },

    addVersion(id, change, authorId, now) {
      return inTransaction(db, async (tx) => {
        const current = await lock(tx, id);
        if (!current) return false;
        const { version, ...content } = current;
        const next = change(content);
        if (JSON.stringify(next) === JSON.stringify(content)) return true;
        await tx.policyVersion.create({
          data: { policyId: id, version: version + 1, authorId, createdAt: now, ...next },
        });
        await tx.policy.update({ where: { id }, data: { version: version + 1, updatedAt: now } });
        return true;
      });
    },

    versions(id) {
      return db.$queryRaw<PolicyVersionRow[]>`
        SELECT v.version, v.created_at AS "createdAt", ${CONTENT}
        FROM policy_versions v LEFT JOIN users u ON u.id = v.author_id
        WHERE v.policy_id = ${id}::uuid ORDER BY v.version DESC LIMIT ${VERSIONS_SHOWN}`;
    },

    async delete(id, now) {
      await db.policy.updateMany({
        where: { id, deletedAt: null },
        data: { deletedAt: now, updatedAt: now },
      });
    },
  };
}

/** The current version, while its row is locked: two edits at once become two versions. */
async function lock(tx: Transaction, id: string): Promise<(PolicyContent & { version: number }) | undefined> {
  const locked = await tx.$queryRaw<{ version: number }[]>`
    SELECT version FROM policies WHERE id = ${id}::uuid AND deleted_at IS NULL FOR UPDATE`;
  if (!locked[0]) return undefined;
  const { version } = locked[0];
  const row = await tx.policyVersion.findUniqueOrThrow({
    where: { policyId_version: { policyId: id, version } },
  });
  const { mode, transitions, expression, message, messageExpression } = row;
  return { version, mode: mode as PolicyMode, transitions, expression, message, messageExpression };
}
