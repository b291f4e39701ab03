import type { Builds } from "../../builds/service.js";
import { toPolicy, toPolicyResult, toPolicyTest, toPolicyVersion } from "../../convert/policies.js";
import type { NewPolicyContent, Policies } from "../../policies/service.js";
import type { TemplateVersions } from "../../templateversions/service.js";
import type { Handlers } from "../handler.js";

export function createPolicyHandlers({
  policies,
  builds,
  templateVersions,
}: {
  policies: Policies;
  builds: Builds;
  templateVersions: TemplateVersions;
}) {
  return {
    policyList: async ({ actor }) => (await policies.list(actor)).map(toPolicy),
    policyListByOrganization: async ({ actor, params }) =>
      (await policies.list(actor, params.organization)).map(toPolicy),
    policyListByTemplate: async ({ actor, params }) =>
      (await policies.listOfTemplate(actor, params.template)).map(toPolicy),
    policyCreate: async ({ actor, body }) => toPolicy(await policies.create(actor, {}, contentOf(body))),
    policyCreateInOrganization: async ({ actor, params, body }) =>
      toPolicy(await policies.create(actor, { organization: params.organization }, contentOf(body))),
    policyCreateForTemplate: async ({ actor, params, body }) =>
      toPolicy(await policies.create(actor, { template: params.template }, contentOf(body))),
    policyTest: async ({ actor, body }) =>
      toPolicyTest(
        await policies.test(actor, {
          organizationId: body.organization_id,
          templateId: body.template_id,
          transitions: body.transitions,
          expression: body.expression,
          message: body.message,
          messageExpression: body.message_expression,
        }),
      ),
    policyGet: async ({ actor, params }) => toPolicy(await policies.get(actor, params.policy)),
    policyUpdate: async ({ actor, params, body }) => {
      const { message_expression: messageExpression, ...change } = body;
      return toPolicy(await policies.update(actor, params.policy, { ...change, messageExpression }));
    },
    policyDelete: async ({ actor, params }) => {
      await policies.delete(actor, params.policy);
      return { message: "The policy has been deleted." };
    },
    policyVersionList: async ({ actor, params }) =>
      (await policies.versions(actor, params.policy)).map(toPolicyVersion),
    workspaceBuildPolicies: async ({ actor, params }) => {
      const { row } = await builds.get(actor, params.build);
      return (await policies.resultsOf(row.jobId)).map(toPolicyResult);
    },
    dryRunPolicies: async ({ actor, params }) => {
      const { id } = await templateVersions.requireDryRun(actor, params.version, params.job);
      return (await policies.resultsOf(id)).map(toPolicyResult);
    },
  } satisfies Partial<Handlers>;
}

function contentOf(body: {
  name: string;
  mode: NewPolicyContent["mode"];
  transitions?: NewPolicyContent["transitions"];
  expression: string;
  message: string;
  message_expression?: string | undefined;
}): NewPolicyContent {
  const { message_expression: messageExpression, ...content } = body;
  return { ...content, messageExpression };
}
