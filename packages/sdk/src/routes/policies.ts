import * as z from "zod";
import { route } from "../route.js";
import {
  ApiMessage,
  CreatePolicyRequest,
  Policy,
  PolicyResult,
  PolicyTest,
  PolicyVersion,
  TestPolicyRequest,
  UpdatePolicyRequest,
} from "../types/index.js";

/** A policy of one template belongs to those who may update the template, any other to those who may by their role. */
const may = (action: "read" | "update" | "delete") =>
  [
    { resource: "policy", action },
    { resource: "template", action: "update" },
  ] as const;

export const policyRoutes = {
  policyList: route({
    method: "GET",
    path: "/api/v2/policies",
    summary: "List policies of the deployment, of organizations and of templates.",
    access: "session",
    response: z.array(Policy),
  }),
  policyListByOrganization: route({
    method: "GET",
    path: "/api/v2/organizations/:organization/policies",
    summary: "List policies of an organization and of its templates.",
    access: { resource: "policy", action: "read" },
    response: z.array(Policy),
  }),
  policyListByTemplate: route({
    method: "GET",
    path: "/api/v2/templates/:template/policies",
    summary:
      "List policies that judge a template's builds: the deployment's, its organization's and its own.",
    access: { resource: "template", action: "update" },
    response: z.array(Policy),
  }),
  policyCreate: route({
    method: "POST",
    path: "/api/v2/policies",
    summary: "Create a policy of the deployment.",
    access: { resource: "policy", action: "create" },
    status: 201,
    body: CreatePolicyRequest,
    response: Policy,
  }),
  policyCreateInOrganization: route({
    method: "POST",
    path: "/api/v2/organizations/:organization/policies",
    summary: "Create a policy of an organization.",
    access: { resource: "policy", action: "create" },
    status: 201,
    body: CreatePolicyRequest,
    response: Policy,
  }),
  policyCreateForTemplate: route({
    method: "POST",
    path: "/api/v2/templates/:template/policies",
    summary: "Create a policy of a template.",
    access: { resource: "template", action: "update" },
    status: 201,
    body: CreatePolicyRequest,
    response: Policy,
  }),
  policyTest: route({
    method: "POST",
    path: "/api/v2/policies/test",
    summary: "Check a policy, and evaluate it on recent plans. Nothing is stored.",
    access: [
      { resource: "policy", action: "create" },
      { resource: "template", action: "update" },
    ],
    body: TestPolicyRequest,
    response: PolicyTest,
  }),
  policyGet: route({
    method: "GET",
    path: "/api/v2/policies/:policy",
    summary: "Get a policy.",
    access: may("read"),
    response: Policy,
  }),
  policyUpdate: route({
    method: "PATCH",
    path: "/api/v2/policies/:policy",
    summary: "Update a policy. Every change is a version of its own.",
    access: may("update"),
    body: UpdatePolicyRequest,
    response: Policy,
  }),
  policyDelete: route({
    method: "DELETE",
    path: "/api/v2/policies/:policy",
    summary: "Delete a policy. Its versions stay in the results of builds.",
    access: may("delete"),
    response: ApiMessage,
  }),
  policyVersionList: route({
    method: "GET",
    path: "/api/v2/policies/:policy/versions",
    summary: "List a policy's versions, newest first.",
    access: may("read"),
    response: z.array(PolicyVersion),
  }),
  workspaceBuildPolicies: route({
    method: "GET",
    path: "/api/v2/workspacebuilds/:build/policies",
    summary: "List how policies judged a build.",
    access: { resource: "workspace", action: "read" },
    response: z.array(PolicyResult),
  }),
  dryRunPolicies: route({
    method: "GET",
    path: "/api/v2/templateversions/:version/dry-run/:job/policies",
    summary: "List how policies judged a dry run.",
    access: { resource: "template", action: "update" },
    response: z.array(PolicyResult),
  }),
};
