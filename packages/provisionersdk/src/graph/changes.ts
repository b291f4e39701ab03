import { FleetError } from "@fleet/base";
import type { PlanSummaryInit } from "../provisioner.js";
import type { Values } from "./instances.js";

/** Limits of a summary, so that a plan of any size can be sent and judged. */
const MAX_CHANGES = 5_000;
const MAX_VALUE_BYTES = 4 * 1024 * 1024;
const MAX_DRIFTED = 1_000;
/** Marked paths of one change. */
const MAX_PATHS = 200;

type ChangeInit = NonNullable<PlanSummaryInit["changes"]>[number];

/**
 * What a plan (from `terraform show -json`) changes, without sensitive and unknown values. Throws `failed_precondition`
 * if it is not a plan.
 */
export function planSummaryOf(bytes: Uint8Array): PlanSummaryInit {
  return summaryOfChanges(parse(bytes));
}

/** The same of a parsed document, or of the plan that `terraform test` prints. */
export function summaryOfChanges(plan: Values): PlanSummaryInit {
  const list = Array.isArray(plan.resource_changes) ? plan.resource_changes.filter(isObject) : [];
  const drift = driftOf(plan);
  const summary = {
    changes: [] as ChangeInit[],
    truncated: list.length > MAX_CHANGES || drift.length > MAX_DRIFTED,
    drift: drift.slice(0, MAX_DRIFTED),
  };
  let left = MAX_VALUE_BYTES;
  for (const planned of list.slice(0, MAX_CHANGES)) {
    const change = changeOf(planned);
    const paths = [...change.unknownPaths, ...change.sensitivePaths];
    const bytes =
      Buffer.byteLength(change.before) +
      Buffer.byteLength(change.after) +
      paths.reduce((sum, path) => sum + Buffer.byteLength(path), 0);
    if (bytes > left) {
      summary.truncated = true;
      summary.changes.push({ ...change, before: "", after: "", unknownPaths: [], sensitivePaths: [] });
      continue;
    }
    left -= bytes;
    summary.changes.push(change);
  }
  return summary;
}

/** Resources that were changed outside of Terraform. Data sources and moved addresses are no drift. */
function driftOf({ resource_drift: drift }: Values): NonNullable<PlanSummaryInit["drift"]> {
  if (!Array.isArray(drift)) return [];
  return drift.filter(isObject).flatMap(({ address, mode, type, change }) => {
    const actions = isObject(change) && Array.isArray(change.actions) ? change.actions : [];
    const deleted = actions.includes("delete");
    if (mode !== "managed" || !(deleted || actions.includes("update"))) return [];
    return [{ address: text(address), type: text(type), deleted }];
  });
}

type SizedChange = ChangeInit & {
  before: string;
  after: string;
  unknownPaths: string[];
  sensitivePaths: string[];
};

function changeOf(planned: Values): SizedChange {
  const change = isObject(planned.change) ? planned.change : {};
  // Providers copy values into attributes that are not marked, as terraform_data does from `input` to `output`.
  const secrets = new Set<string>();
  addSensitive(secrets, change.before, change.before_sensitive);
  addSensitive(secrets, change.after, change.after_sensitive);
  return {
    address: text(planned.address),
    moduleAddress: text(planned.module_address),
    mode: text(planned.mode),
    type: text(planned.type),
    name: text(planned.name),
    provider: text(planned.provider_name),
    actions: Array.isArray(change.actions) ? change.actions.map(text) : [],
    replacePaths: Array.isArray(change.replace_paths)
      ? change.replace_paths.map((path) => JSON.stringify(path))
      : [],
    before: shown(change.before, change.before_sensitive, secrets),
    after: shown(change.after, change.after_sensitive, secrets),
    previousAddress: text(planned.previous_address),
    unknownPaths: pathsIn(change.after_unknown),
    sensitivePaths: pathsIn(change.before_sensitive, change.after_sensitive),
  };
}

type Path = readonly (string | number)[];

/**
 * The paths that masks mark: `true`, or an object or list of the value's shape. Each is a JSON array of its steps. If
 * there are too many, whole attributes are named instead.
 */
function pathsIn(...masks: unknown[]): string[] {
  const paths: Path[] = [];
  const walk = (part: unknown, steps: Path): void => {
    if (part === true) paths.push(steps);
    else if (Array.isArray(part)) part.forEach((item, index) => void walk(item, [...steps, index]));
    else if (isObject(part)) for (const [key, item] of Object.entries(part)) walk(item, [...steps, key]);
  };
  for (const mask of masks) walk(mask, []);
  const texts = (depth: number) => [...new Set(paths.map((path) => JSON.stringify(path.slice(0, depth))))];
  const all = texts(Number.POSITIVE_INFINITY);
  return all.length > MAX_PATHS ? texts(1).slice(0, MAX_PATHS) : all;
}

/** Shorter strings are too common to be taken for a copy of a sensitive one. */
const MIN_SECRET_LENGTH = 4;

/** Adds the strings of the value that the mask marks. */
function addSensitive(secrets: Set<string>, value: unknown, mask: unknown): void {
  if (typeof value === "string") {
    if (mask === true && value.length >= MIN_SECRET_LENGTH) secrets.add(value);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      const part = typeof mask === "object" && mask !== null ? (mask as Values)[key] : mask;
      addSensitive(secrets, item, part);
    }
  }
}

function shown(value: unknown, sensitive: unknown, secrets: ReadonlySet<string>): string {
  const open = withoutSensitive(value, sensitive, secrets);
  return isObject(open) ? JSON.stringify(open) : "";
}

/** The value without the secrets and the parts that the mask marks: `true`, or an object or list of the value's shape. */
function withoutSensitive(value: unknown, mask: unknown, secrets: ReadonlySet<string>): unknown {
  if (mask === true || (typeof value === "string" && secrets.has(value))) return undefined;
  if (Array.isArray(value)) {
    const masks = Array.isArray(mask) ? mask : [];
    // Positions are kept: rules may refer to them.
    return value.map((item, index) => withoutSensitive(item, masks[index], secrets) ?? null);
  }
  if (!isObject(value)) return value;
  const masks = isObject(mask) ? mask : {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => {
      const open = withoutSensitive(item, masks[key], secrets);
      return open === undefined ? [] : [[key, open]];
    }),
  );
}

function parse(bytes: Uint8Array): Values {
  try {
    const plan: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (isObject(plan)) return plan;
  } catch {
    // Said below.
  }
  throw new FleetError("failed_precondition", "Terraform's plan is not valid JSON.");
}

function text(value: unknown): string {
  return typeof value === "string" ? value.replaceAll("\0", "\uFFFD") : "";
}

function isObject(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
