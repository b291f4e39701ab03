import type * as wire from "@fleet/sdk";
import type { PolicyResultRow } from "../policies/judge-store.js";
import type { PolicyTestResult } from "../policies/service.js";
import type { PolicyAuthor, PolicyContent, PolicyRow, PolicyVersionRow } from "../policies/store.js";

export function toPolicy(row: PolicyRow): wire.Policy {
  const { organizationId, organizationName, templateId, templateName } = row;
  return {
    id: row.id,
    name: row.name,
    scope: scopeOf(row),
    ...(organizationId && { organization_id: organizationId, organization_name: organizationName ?? "" }),
    ...(templateId && { template_id: templateId, template_name: templateName ?? "" }),
    ...toContent(row),
    version: row.version,
    ...toAuthor(row),
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}

export function toPolicyVersion(row: PolicyVersionRow): wire.PolicyVersion {
  return {
    ...toContent(row),
    version: row.version,
    ...toAuthor(row),
    created_at: row.createdAt.toISOString(),
  };
}

export function toPolicyResult(row: PolicyResultRow): wire.PolicyResult {
  return {
    policy_id: row.policyId,
    policy_name: row.policyName,
    policy_version: row.version,
    scope: scopeOf(row),
    mode: row.mode,
    outcome: row.outcome,
    message: row.message,
  };
}

export function toPolicyTest(results: readonly PolicyTestResult[]): wire.PolicyTest {
  return results.map((result) => ({
    job_id: result.jobId,
    created_at: result.createdAt.toISOString(),
    transition: result.transition,
    template_name: result.templateName,
    workspace_owner_name: result.ownerName,
    workspace_name: result.workspaceName,
    outcome: result.outcome,
    message: result.message,
  }));
}

function scopeOf({ organizationId, templateId }: Pick<PolicyRow, "organizationId" | "templateId">) {
  if (templateId) return "template" as const;
  return organizationId ? ("organization" as const) : ("deployment" as const);
}

function toContent({ mode, transitions, expression, message, messageExpression }: PolicyContent) {
  return { mode, transitions, expression, message, message_expression: messageExpression };
}

function toAuthor({ authorId, authorName }: PolicyAuthor) {
  return authorId ? { author: { id: authorId, username: authorName ?? "" } } : {};
}
