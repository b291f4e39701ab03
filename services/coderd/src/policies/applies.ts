import { Prisma } from "../database/gen/client.js";

/** SQL: the policy `p`, whose current version is `pv`, judges a job of this organization, template and transition. */
export function applies({
  organization,
  template,
  transition,
}: Record<"organization" | "template" | "transition", Prisma.Sql>): Prisma.Sql {
  return Prisma.sql`p.deleted_at IS NULL AND ${transition} = ANY(pv.transitions)
    AND (p.organization_id IS NULL OR p.organization_id = ${organization})
    AND (p.template_id IS NULL OR p.template_id = ${template})`;
}

/** SQL: true if any policy judges it. */
export function isJudged(job: Parameters<typeof applies>[0]): Prisma.Sql {
  return Prisma.sql`EXISTS (SELECT 1 FROM policies p JOIN policy_versions pv ON pv.policy_id = p.id AND pv.version = p.version
    WHERE ${applies(job)})`;
}
