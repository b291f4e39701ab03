import { FleetError } from "@fleet/base";
import { packFiles } from "../archive/archive.js";
import type {
  EvaluatedParametersInit,
  ExternalAuthProviderInit,
  PlanSummaryInit,
  PresetInit,
  ResourceInit,
  RichParameterInit,
  TemplateVariableInit,
} from "../provisioner.js";

/** The file of an echo template that describes what to do. */
export const ECHO_FILE = "echo.json";

/** The longest delay of a step, milliseconds. */
const MAX_DELAY_MS = 10 * 60_000;

export type EchoStep = {
  /** Only for builds of this kind; import's two plans are a start and a stop. */
  only?: "start" | "stop" | "delete";
  logs?: { level?: "trace" | "debug" | "info" | "warn" | "error"; output: string }[];
  delayMs?: number;
  /** Blocks until asked to stop: at the first, graceful, request or only when forced. */
  waitForStop?: "graceful" | "forced";
  /** Fails with this message. */
  error?: string;
};

/** What an echo template does: the responses that terraform would have given. */
export type EchoTemplate = {
  readme?: string;
  variables?: TemplateVariableInit[];
  parameters?: RichParameterInit[];
  presets?: PresetInit[];
  externalAuthProviders?: ExternalAuthProviderInit[];
  workspaceTags?: Record<string, string>;
  /** For a started workspace. An agent without id or token gets one in each apply. */
  resources?: ResourceInit[];
  /** For a stopped one. */
  stopResources?: ResourceInit[];
  /** What the plan of a start changes. */
  changes?: NonNullable<PlanSummaryInit["changes"]>;
  /** What the plan of a stop or a delete changes. */
  stopChanges?: NonNullable<PlanSummaryInit["changes"]>;
  /** The plan is beyond its limits. */
  truncated?: boolean;
  /** Whether builds get a session of the owner. Defaults to true. */
  ownerSession?: boolean;
  parse?: EchoStep;
  plan?: EchoStep;
  apply?: EchoStep;
  /** Makes the parameters dynamic: evaluating gives the first case whose inputs are given, else what a plan gives. */
  evaluations?: EchoEvaluation[];
};

export type EchoEvaluation = {
  when: Record<string, string>;
  /** Only for owners in this group. */
  group?: string;
  delayMs?: number;
} & Pick<EchoTemplate, "parameters" | "presets" | "workspaceTags"> &
  Pick<EvaluatedParametersInit, "diagnostics" | "partial">;

/** The archive of an echo template: a tar, to be uploaded as `application/x-tar`. */
export function echoTemplate(template: EchoTemplate = {}): Promise<Uint8Array> {
  const { readme, ...rest } = template;
  return packFiles({
    // Numbers beyond JSON's range are written as strings: protobuf's JSON form accepts both.
    [ECHO_FILE]: JSON.stringify(rest, (_key, value) =>
      typeof value === "bigint" ? value.toString() : value,
    ),
    ...(readme === undefined ? {} : { "README.md": readme }),
  });
}

/** Reads `echo.json`. Throws `invalid_argument` with a sentence. */
export function parseEchoTemplate(json: string): EchoTemplate {
  let template: unknown;
  try {
    template = JSON.parse(json);
  } catch (error) {
    throw invalid("is not JSON", error);
  }
  if (typeof template !== "object" || template === null || Array.isArray(template))
    throw invalid("is not an object");
  for (const name of ["parse", "plan", "apply"] as const) {
    const step = (template as EchoTemplate)[name];
    if (step?.delayMs !== undefined && !(step.delayMs >= 0 && step.delayMs <= MAX_DELAY_MS)) {
      throw invalid(`has a delay in "${name}" that is not between 0 and ${MAX_DELAY_MS} ms`);
    }
  }
  return template as EchoTemplate;
}

function invalid(detail: string, cause?: unknown): FleetError {
  return new FleetError("invalid_argument", `${ECHO_FILE} ${detail}.`, { cause });
}
