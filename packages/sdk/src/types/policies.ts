import * as z from "zod";
import { Id, list, maybe, maybeId, Name, Timestamp, text } from "../wire.js";
import { Transition } from "./builds.js";

/**
 * What happens to a build that violates the policy: it fails before it changes anything, its user is warned, or it is
 * only recorded.
 */
export const PolicyMode = z.enum(["deny", "warn", "dry"]);
export type PolicyMode = z.infer<typeof PolicyMode>;

export const PolicyScope = z.enum(["deployment", "organization", "template"]);
export type PolicyScope = z.infer<typeof PolicyScope>;

/** Maximum characters of a CEL expression. */
const MAX_EXPRESSION = 8_192;
const MAX_MESSAGE = 1_024;
const TRANSITIONS = 3;

const Rule = z.object({
  mode: PolicyMode,
  /** The builds that it judges. */
  transitions: z.array(Transition),
  /** CEL; true if the build violates the policy. */
  expression: z.string(),
  message: z.string(),
  /** CEL; replaces the message if its evaluation succeeds. */
  message_expression: z.string(),
});

/** Who wrote a version. */
const Author = z.object({ id: Id, username: z.string() });

export const Policy = Rule.extend({
  id: Id,
  name: z.string(),
  scope: PolicyScope,
  /** Absent for a policy of the deployment. */
  organization_id: Id.optional(),
  organization_name: z.string().optional(),
  /** Present for a policy of one template. */
  template_id: Id.optional(),
  template_name: z.string().optional(),
  version: z.number().int(),
  /** Of this version; absent once the account has been removed. */
  author: Author.optional(),
  created_at: Timestamp,
  updated_at: Timestamp,
});
export type Policy = z.infer<typeof Policy>;

export const PolicyVersion = Rule.extend({
  version: z.number().int(),
  author: Author.optional(),
  created_at: Timestamp,
});
export type PolicyVersion = z.infer<typeof PolicyVersion>;

export const PolicyOutcome = z.enum(["passed", "violated", "error"]);
export type PolicyOutcome = z.infer<typeof PolicyOutcome>;

/** How a policy judged a build, a plan or a dry run. */
export const PolicyResult = z.object({
  policy_id: Id,
  policy_name: z.string(),
  policy_version: z.number().int(),
  scope: PolicyScope,
  mode: PolicyMode,
  /** `error`: it could not be evaluated. With the mode `deny`, that stops the build, too. */
  outcome: PolicyOutcome,
  /** Empty if it passed. */
  message: z.string(),
});
export type PolicyResult = z.infer<typeof PolicyResult>;

const expression = text(MAX_EXPRESSION);
const message = text(MAX_MESSAGE);
const transitions = list(Transition, TRANSITIONS);

export const CreatePolicyRequest = z.object({
  name: Name,
  mode: PolicyMode,
  /** Defaults to `start` alone. */
  transitions: maybe(transitions),
  expression,
  message,
  message_expression: maybe(expression),
});
export type CreatePolicyRequest = z.input<typeof CreatePolicyRequest>;

/** Fields that are omitted stay as they are. Creates a version, unless nothing changes. */
export const UpdatePolicyRequest = z.object({
  mode: maybe(PolicyMode),
  transitions: maybe(transitions),
  expression: maybe(expression),
  message: maybe(message),
  message_expression: maybe(expression),
});
export type UpdatePolicyRequest = z.input<typeof UpdatePolicyRequest>;

export const TestPolicyRequest = z.object({
  /** Whose plans to use: those of one template or of an organization; of all templates if both are omitted. */
  organization_id: maybeId,
  template_id: maybeId,
  transitions: maybe(transitions),
  expression,
  message: maybe(message),
  message_expression: maybe(expression),
});
export type TestPolicyRequest = z.input<typeof TestPolicyRequest>;

/** What a policy would have found in recent plans, newest first. */
export const PolicyTest = z.array(
  z.object({
    job_id: Id,
    created_at: Timestamp,
    transition: Transition,
    template_name: z.string(),
    /** Empty for a dry run of a template version. */
    workspace_owner_name: z.string(),
    workspace_name: z.string(),
    outcome: PolicyOutcome,
    message: z.string(),
  }),
);
export type PolicyTest = z.infer<typeof PolicyTest>;
