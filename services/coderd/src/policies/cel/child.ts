/**
 * The process that parses and evaluates CEL. Node runs this file as it is in tests, so it imports packages and types
 * only.
 */
import { createContext, Script } from "node:vm";
import { Environment, type EvaluationError } from "@marcbachmann/cel-js";
import { RE2JS } from "re2js";
import type { Answer, Checked, EvaluationInput, Fault, Judgement, Request, Rule } from "./types.js";

/** Limits of an expression's size; the evaluator limits what its evaluation takes. */
const LIMITS = {
  maxAstNodes: 2_000,
  maxDepth: 60,
  maxListElements: 500,
  maxMapEntries: 500,
  maxCallArguments: 16,
};
const MAX_MESSAGE_CHARACTERS = 1_000;
/** Parsed expressions and compiled patterns; the policies of a deployment are few. */
const MAX_KEPT = 256;

class Fields {
  constructor(fields: object) {
    Object.assign(this, fields);
  }
}
class Plan extends Fields {}
class Change extends Fields {}
class Drift extends Fields {}
class Owner extends Fields {}
class Organization extends Fields {}
class Template extends Fields {}
class Workspace extends Fields {}
class Build extends Fields {}
class Cost extends Fields {}

/** The variables of a policy. docs/policy.md describes each field; docs.test.ts compares them. */
const TYPES = [
  [
    Change,
    {
      address: "string",
      module: "string",
      mode: "string",
      type: "string",
      name: "string",
      provider: "string",
      action: "string",
      previous_address: "string",
      reasons: "list<string>",
      before: "map<string, dyn>",
      after: "map<string, dyn>",
      unknown: "list<string>",
      sensitive: "list<string>",
      loses_data: "bool",
    },
  ],
  [Drift, { address: "string", type: "string", deleted: "bool" }],
  [
    Plan,
    {
      add: "int",
      change: "int",
      replace: "int",
      destroy: "int",
      changes: "list<Change>",
      drift: "list<Drift>",
    },
  ],
  [
    Owner,
    {
      id: "string",
      name: "string",
      email: "string",
      groups: "list<string>",
      roles: "list<string>",
      organization_roles: "list<string>",
      login_type: "string",
    },
  ],
  [Organization, { id: "string", name: "string" }],
  [Template, { id: "string", name: "string", version: "string" }],
  [Workspace, { id: "string", name: "string" }],
  [Build, { transition: "string", reason: "string", initiator: "string" }],
  [Cost, { before: "int", after: "int" }],
] as const;

const VARIABLES = {
  plan: "Plan",
  owner: "Owner",
  organization: "Organization",
  template: "Template",
  workspace: "Workspace",
  build: "Build",
  parameters: "map<string, string>",
  cost: "Cost",
} as const;

type Compiled = ReturnType<Environment["parse"]>;
/** What the package throws, of whatever kind. */
type CelFault = Pick<EvaluationError, "code" | "range" | "summary">;

const patterns = new Map<string, RE2JS>();
const compiled = new Map<string, Compiled>();
const environment = createEnvironment();

function createEnvironment(): Environment {
  const env = new Environment({ limits: LIMITS });
  for (const [type, fields] of TYPES) env.registerType(type.name, { ctor: type, fields });
  for (const [name, type] of Object.entries(VARIABLES)) env.registerVariable(name, type);
  // CEL's patterns are RE2's, whose time is linear; the package's own function, removed by our patch, uses RegExp.
  env.registerFunction("string.matches(string): bool", (text: string, pattern: string) =>
    kept(patterns, pattern, () => RE2JS.compile(pattern))
      .matcher(text)
      .find(),
  );
  return env;
}

function kept<T>(cache: Map<string, T>, key: string, make: () => T): T {
  const known = cache.get(key);
  if (known) return known;
  const value = make();
  if (cache.size >= MAX_KEPT) cache.clear();
  cache.set(key, value);
  return value;
}

function compile(expression: string): Compiled {
  return kept(compiled, expression, () => environment.parse(expression));
}

function check({ expression, messageExpression }: Rule): Checked {
  const fault =
    faultOf(expression, "bool", "expression") ??
    (messageExpression === "" ? undefined : faultOf(messageExpression, "string", "message_expression"));
  return fault ? { fault } : {};
}

function faultOf(expression: string, wanted: string, field: Fault["field"]): Fault | undefined {
  let text: string;
  let at = 0;
  try {
    const parsed = compile(expression);
    const { valid, type, error } = parsed.check();
    if (callsBytes(parsed.ast)) text = "The function bytes() is not supported";
    else if (valid && type === wanted) return undefined;
    else if (valid) text = `The expression is of type ${type}, but must be of type ${wanted}`;
    else {
      text = textOf(error);
      at = error?.range?.start ?? 0;
    }
  } catch (error) {
    text = textOf(error);
    at = (error as CelFault).range?.start ?? 0;
  }
  const before = expression.slice(0, at).split("\n");
  const line = before.length;
  const column = before.at(-1)!.length + 1;
  return { field, text, line, column, source: expression.split("\n")[line - 1] ?? "" };
}

/** What is wrong, in words that name no part of the package. */
function textOf(error: unknown): string {
  const { name, cause, code: systemCode } = error as Error & { code?: string };
  if (systemCode === "ERR_SCRIPT_EXECUTION_TIMEOUT") return "The evaluation took too long";
  const { code, summary = (error as Error).message } = error as Partial<CelFault>;
  if (name.startsWith("RE2JS")) return `The pattern is invalid: ${summary}`;
  if (cause instanceof Error && cause.name.startsWith("RE2JS")) return textOf(cause);
  if (code === "no_such_key") return `There is no field or key "${summary.replace(/^No such key: /, "")}"`;
  if (code === "limit_exceeded") return "The expression is too large";
  return summary.charAt(0).toUpperCase() + summary.slice(1);
}

/** True if the expression refers to the plan: without a plan, or with a part of one, it cannot be trusted. */
const usesPlan = (ast: unknown) => contains(ast, (op, args) => op === "id" && args === "plan");

/** Bytes lie outside of the heap, whose limit then would not hold. */
const callsBytes = (ast: unknown) =>
  contains(ast, (op, args) => op === "call" && Array.isArray(args) && args[0] === "bytes");

/** True if a node of the syntax tree is such. */
function contains(node: unknown, is: (op: unknown, args: unknown) => boolean): boolean {
  if (Array.isArray(node)) return node.some((item) => contains(item, is));
  if (typeof node !== "object" || node === null) return false;
  const { op, args } = node as { op?: unknown; args?: unknown };
  return is(op, args) || contains(args, is);
}

function judge(
  { expression, messageExpression, message }: Rule,
  variables: Record<string, unknown>,
): Judgement {
  let plan = true;
  try {
    const condition = compile(expression);
    plan = usesPlan(condition.ast);
    if (condition(variables) !== true) return { outcome: "passed", message: "", usesPlan: plan };
  } catch (error) {
    return { outcome: "error", message: sentenceOf(error), usesPlan: plan };
  }
  let text = message;
  if (messageExpression !== "") {
    try {
      text = String(compile(messageExpression)(variables)) || message;
    } catch {
      // The policy's message says it, too.
    }
  }
  return { outcome: "violated", message: shown(text), usesPlan: plan };
}

function sentenceOf(error: unknown): string {
  return `${shown(textOf(error))}.`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
const CONTROL = /[\u0000-\u001f\u007f\u2028\u2029]+/g;

/** One line of limited length. */
function shown(message: string): string {
  const line = message.slice(0, MAX_MESSAGE_CHARACTERS).replace(CONTROL, " ").toWellFormed().trim();
  return message.length > MAX_MESSAGE_CHARACTERS ? `${line}…` : line;
}

function variablesOf(input: EvaluationInput): Record<string, unknown> {
  const { plan, owner, organization, template, workspace, build, parameters, cost } = input;
  return {
    plan: new Plan({
      add: BigInt(plan.add),
      change: BigInt(plan.change),
      replace: BigInt(plan.replace),
      destroy: BigInt(plan.destroy),
      changes: plan.changes.map(
        (change) => new Change({ ...change, before: valuesOf(change.before), after: valuesOf(change.after) }),
      ),
      drift: plan.drift.map((drift) => new Drift(drift)),
    }),
    owner: new Owner(owner),
    organization: new Organization(organization),
    template: new Template(template),
    workspace: new Workspace(workspace),
    build: new Build(build),
    parameters: new Map(Object.entries(parameters)),
    cost: new Cost({ before: BigInt(cost.before), after: BigInt(cost.after) }),
  };
}

function valuesOf(json: string): Map<string, unknown> {
  const value: unknown = json === "" ? {} : JSON.parse(json);
  return celValue(value) as Map<string, unknown>;
}

/** A JSON value in CEL's terms: whole numbers are ints, and no key is a property of a JavaScript object. */
function celValue(value: unknown): unknown {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(celValue);
  if (typeof value !== "object" || value === null) return value;
  return new Map(Object.entries(value).map(([key, item]) => [key, celValue(item)]));
}

/** V8 ends what runs longer, whatever it does. It then throws ERR_SCRIPT_EXECUTION_TIMEOUT. */
function limited<T>(limitMs: number, work: () => T): T {
  sandbox.work = work;
  return CALL.runInContext(sandbox, { timeout: limitMs }) as T;
}

const sandbox = createContext({ work: undefined as unknown });
const CALL = new Script("work()");

function answer(message: Answer): void {
  process.send!(message);
}

process.on("message", (request: Request) => {
  const { limitMs } = request;
  if (request.kind === "check") {
    answer({ kind: "checked", result: limited(limitMs, () => check(request.rule)) });
    return;
  }
  let variables: Record<string, unknown> | undefined;
  for (const rule of request.rules) {
    let result: Judgement;
    try {
      variables ??= variablesOf(request.input);
      const values = variables;
      result = limited(limitMs, () => judge(rule, values));
    } catch (error) {
      result = { outcome: "error", message: sentenceOf(error), usesPlan: true };
    }
    answer({ kind: "judged", result });
  }
});
// It ends with coderd, not with the signals that a terminal sends to both.
process.on("disconnect", () => process.exit(0));
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});

answer({ kind: "ready" });
