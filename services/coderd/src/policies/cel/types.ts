/** What the process that evaluates CEL gets and answers: plain data. */

/** A policy as far as its evaluation needs it. */
export type Rule = {
  /** True if the build violates the policy. */
  expression: string;
  message: string;
  /** Empty for none. */
  messageExpression: string;
};

/** Why an expression was refused, with its place; lines and columns count from 1. */
export type Fault = {
  field: "expression" | "message_expression";
  text: string;
  line: number;
  column: number;
  source: string;
};

export type Checked = { fault?: Fault };

export type Judgement = {
  outcome: "passed" | "violated" | "error";
  /** One line; empty if it passed. */
  message: string;
  /** The expression refers to the plan. */
  usesPlan: boolean;
};

/** What a policy can refer to, under the names of its variables. Nothing in it is sensitive. */
export type EvaluationInput = {
  plan: {
    add: number;
    change: number;
    replace: number;
    destroy: number;
    changes: InputChange[];
    drift: { address: string; type: string; deleted: boolean }[];
  };
  owner: {
    id: string;
    name: string;
    email: string;
    groups: string[];
    roles: string[];
    organization_roles: string[];
    login_type: string;
  };
  organization: { id: string; name: string };
  template: { id: string; name: string; version: string };
  workspace: { id: string; name: string };
  build: { transition: string; reason: string; initiator: string };
  parameters: Record<string, string>;
  cost: { before: number; after: number };
};

export type InputChange = {
  address: string;
  module: string;
  mode: string;
  type: string;
  name: string;
  provider: string;
  /** create, update, replace, delete, read, forget or no-op. */
  action: string;
  previous_address: string;
  reasons: string[];
  /** JSON objects, or empty. */
  before: string;
  after: string;
  unknown: string[];
  sensitive: string[];
  loses_data: boolean;
};

/** `limitMs` is for each rule. */
export type Request = { limitMs: number } & (
  | { kind: "check"; rule: Rule }
  /** Answered with one message for each rule, in order. */
  | { kind: "judge"; rules: Rule[]; input: EvaluationInput }
);

export type Answer =
  /** Sent once, when the process has started. */
  { kind: "ready" } | { kind: "checked"; result: Checked } | { kind: "judged"; result: Judgement };
