import { randomUUID } from "node:crypto";
import type { DescMessage, JsonValue, MessageShape } from "@bufbuild/protobuf";
import { fromJson } from "@bufbuild/protobuf";
import { abortable, type Clock, FleetError } from "@fleet/base";
import {
  ExternalAuthProviderSchema,
  LogLevel,
  PlannedChangeSchema,
  PresetSchema,
  type Resource,
  ResourceSchema,
  RichParameterSchema,
  TemplateVariableSchema,
  Transition,
} from "@fleet/proto-gen/provisioner";
import { readArchive } from "../archive/archive.js";
import { type AgentToken, agentTokensOf } from "../graph/agent-tokens.js";
import type {
  EvaluatedParametersInit,
  EvaluateRequest,
  PlanRequest,
  PlanResult,
  PreviewResult,
  Provisioner,
  ProvisionerSession,
  SessionRequest,
  TemplateSource,
} from "../provisioner.js";
import { readmeOf } from "../template/archive.js";
import { ECHO_FILE, type EchoStep, type EchoTemplate, parseEchoTemplate } from "./template.js";

const LEVELS = {
  trace: LogLevel.TRACE,
  debug: LogLevel.DEBUG,
  info: LogLevel.INFO,
  warn: LogLevel.WARN,
  error: LogLevel.ERROR,
} as const;

const TRANSITION_NAMES: Partial<Record<Transition, EchoStep["only"]>> = {
  [Transition.START]: "start",
  [Transition.STOP]: "stop",
  [Transition.DELETE]: "delete",
};

/**
 * A provisioner that runs nothing: a template's `echo.json` says what to log, return, delay or fail.
 * It supports the whole protocol, so that a control plane can be tested and measured without terraform.
 */
export function createEchoProvisioner(options: { clock: Clock }): Provisioner {
  const templates = new Map<string, ReadTemplate>();

  /** Each archive is parsed once while it stays in the cache. */
  async function templateOf(source: TemplateSource): Promise<ReadTemplate> {
    const key = `${source.sha256} ${source.mimetype}`;
    const known = templates.get(key);
    if (known) return known;
    const template = await readTemplate(source);
    const [oldest] = templates.keys();
    if (templates.size >= KEPT_TEMPLATES && oldest !== undefined) templates.delete(oldest);
    templates.set(key, template);
    return template;
  }

  return {
    name: "echo",
    open: async (request) => openSession(await templateOf(request.source), request, options.clock),
    evaluate: async (request) =>
      evaluateEcho((await templateOf(request.source)).template, request, options.clock),
  };
}

/** Maximum cached templates. */
const KEPT_TEMPLATES = 32;

type ReadTemplate = { template: EchoTemplate; readme: string };

async function readTemplate(source: TemplateSource): Promise<ReadTemplate> {
  const entries = await readArchive(await source.read(), source.mimetype);
  const file = entries.find((entry) => entry.path === ECHO_FILE);
  if (!file) {
    throw new FleetError(
      "invalid_argument",
      `The template has no ${ECHO_FILE}, which the echo provisioner requires.`,
    );
  }
  return { template: parseEchoTemplate(new TextDecoder().decode(file.bytes)), readme: readmeOf(entries) };
}

function openSession(
  { template, readme }: ReadTemplate,
  request: SessionRequest,
  clock: Clock,
): ProvisionerSession {
  const run = (step: EchoStep | undefined, plan?: PlanRequest) => runStep(step, plan, request, clock);

  return {
    mayCost: true,
    stateFile: undefined,
    async init() {},
    async parse() {
      await run(template.parse);
      return { variables: read(TemplateVariableSchema, template.variables), readme };
    },
    async plan(plan) {
      await run(template.plan, plan);
      return { ...planned(template, plan), ...(plan.withChanges && { preview: previewOf(template, plan) }) };
    },
    async price(plan) {
      await run(template.plan, plan);
      return costOf(template, plan);
    },
    async preview(plan) {
      await run(template.plan, plan);
      return previewOf(template, plan);
    },
    async apply(plan, onPlanned) {
      onPlanned?.();
      const failure = await run(template.apply, plan).then(
        () => undefined,
        (error: Error) => error.message,
      );
      if (failure !== undefined) return { state: request.state, resources: [], error: failure };
      const resources = resourcesFor(template, plan);
      const kept = plan.metadata.isPrebuildClaim ? agentTokensOf(request.state) : [];
      for (const agent of resources.flatMap((resource) => resource.agents)) identify(agent, kept);
      return { state: stateAfter(request.state, plan, resources), resources, error: undefined };
    },
    prepare: async () => ({
      graph: "",
      skipInit: true,
      dynamicParameters: template.evaluations !== undefined,
      noOwnerSession: template.ownerSession === false,
    }),
    [Symbol.asyncDispose]: async () => {},
  };
}

async function evaluateEcho(
  template: EchoTemplate,
  { parameters, metadata, signal }: EvaluateRequest,
  clock: Clock,
): Promise<EvaluatedParametersInit> {
  const inputs = new Map(parameters.map(({ name = "", value = "" }) => [name, value]));
  const found = template.evaluations?.find(
    ({ when, group }) =>
      Object.entries(when).every(([name, value]) => inputs.get(name) === value) &&
      (group === undefined || metadata.ownerGroups?.includes(group)),
  );
  if (found?.delayMs) await clock.sleep(found.delayMs, signal);
  const { presets, workspaceTags = {}, diagnostics = [] } = { ...template, diagnostics: [], ...found };
  return {
    parameters: read(RichParameterSchema, found?.parameters ?? template.parameters).map((definition) => {
      const value =
        inputs.get(definition.name) ?? (definition.required ? undefined : definition.defaultValue);
      return { definition, ...(value !== undefined && { value }) };
    }),
    presets: read(PresetSchema, presets),
    workspaceTags,
    diagnostics,
    partial: found?.partial ?? false,
  };
}

async function runStep(
  step: EchoStep | undefined,
  plan: PlanRequest | undefined,
  { report, stop }: SessionRequest,
  clock: Clock,
): Promise<void> {
  if (step && (step.only === undefined || step.only === TRANSITION_NAMES[plan?.metadata.transition ?? 0])) {
    for (const { level, output } of step.logs ?? []) report.log(LEVELS[level ?? "info"], output);
    if (step.delayMs) await clock.sleep(step.delayMs, stop.graceful);
    if (step.waitForStop) await abortable(new Promise<never>(() => {}), stop[step.waitForStop]);
    if (step.error !== undefined) throw new FleetError("failed_precondition", step.error);
  }
  if (stop.graceful.aborted) throw new FleetError("canceled", "The job was canceled.");
}

function planned(template: EchoTemplate, plan: PlanRequest): PlanResult {
  return {
    resources: resourcesFor(template, plan),
    parameters: read(RichParameterSchema, template.parameters),
    presets: read(PresetSchema, template.presets),
    externalAuthProviders: read(ExternalAuthProviderSchema, template.externalAuthProviders),
    workspaceTags: template.workspaceTags ?? {},
  };
}

function previewOf(template: EchoTemplate, plan: PlanRequest): PreviewResult {
  const starts = plan.metadata.transition === Transition.START;
  const changes = read(PlannedChangeSchema, starts ? template.changes : template.stopChanges);
  return { summary: { changes, truncated: template.truncated === true }, dailyCost: costOf(template, plan) };
}

function costOf(template: EchoTemplate, plan: PlanRequest): number {
  return resourcesFor(template, plan).reduce((sum, resource) => sum + resource.dailyCost, 0);
}

function resourcesFor(template: EchoTemplate, plan: PlanRequest): Resource[] {
  switch (plan.metadata.transition) {
    case Transition.DELETE:
      return [];
    case Transition.STOP:
      return read(ResourceSchema, template.stopResources);
    default:
      return read(ResourceSchema, template.resources);
  }
}

/** As terraform does: each apply gives an agent a new token, unless the running agent must keep its own. */
function identify(agent: Resource["agents"][number], kept: readonly AgentToken[]): void {
  const own = kept.find(({ name }) => name === agent.name);
  if (!agent.id) agent.id = own?.id ?? randomUUID();
  if (agent.auth.case === undefined) agent.auth = { case: "token", value: own?.token ?? randomUUID() };
}

/** Like terraform's state: non-empty for a workspace that exists, empty for a deleted one; it has the agents' tokens. */
function stateAfter(before: Uint8Array, plan: PlanRequest, resources: readonly Resource[]): Uint8Array {
  if (plan.metadata.transition === Transition.DELETE) return new Uint8Array();
  const builds = before.length > 0 ? Number(JSON.parse(new TextDecoder().decode(before)).echo ?? 0) : 0;
  const agents = resources.flatMap(({ agents }) => agents);
  const state = {
    version: 4,
    echo: builds + 1,
    resources: agents.map(({ id, name, auth }) => ({
      mode: "managed",
      type: "coder_agent",
      name,
      provider: "coder",
      instances: [{ attributes: { id, token: auth.case === "token" ? auth.value : "" } }],
    })),
  };
  return new TextEncoder().encode(JSON.stringify(state));
}

function read<D extends DescMessage>(schema: D, values: readonly unknown[] | undefined): MessageShape<D>[] {
  return (values ?? []).map((value) => {
    try {
      return fromJson(schema, jsonForm(value) as JsonValue, { ignoreUnknownFields: true });
    } catch (error) {
      throw new FleetError(
        "invalid_argument",
        `${ECHO_FILE} contains an invalid ${schema.name}: ${(error as Error).message}`,
      );
    }
  });
}

/** Protobuf's JSON form of a message's init shape: a oneof becomes its own field, and `$typeName` is dropped. */
function jsonForm(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(jsonForm);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, field]): [string, unknown][] => {
      if (key === "$typeName" || key === "$unknown") return [];
      if (typeof field === "object" && field !== null && "case" in field) {
        return field.case
          ? [[field.case as string, jsonForm((field as unknown as { value: unknown }).value)]]
          : [];
      }
      return [[key, jsonForm(field)]];
    }),
  );
}
