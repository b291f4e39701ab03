import { FleetError } from "@fleet/base";
import type { PlanSummaryInit } from "../provisioner.js";
import type { Values } from "./instances.js";

/** Limits of a summary, so that a plan of any size can be sent and judged. */
const MAX_CHANGES = 5_000;
const MAX_VALUE_BYTES = 4 * 1024 * 1024;

type ChangeInit = NonNullable<PlanSummaryInit["changes"]>[number];

/**
 * What a plan (from `terraform show -json`) changes, without sensitive and unknown values. Throws `failed_precondition`
 * if it is not a plan.
 */
export function planSummaryOf(bytes: Uint8Array): PlanSummaryInit {
  const plan = parse(bytes);
  const list = Array.isArray(plan.resource_changes) ? plan.resource_changes.filter(isObject) : [];
  const summary = { changes: [] as ChangeInit[], truncated: list.length > MAX_CHANGES };
  let left = MAX_VALUE_BYTES;
  for (const planned of list.slice(0, MAX_CHANGES)) {
    const change = changeOf(planned);
    const bytes = Buffer.byteLength(change.before) + Buffer.byteLength(change.after);
    if (bytes > left) {
      summary.truncated = true;
      summary.changes.push({ ...change, before: "", after: "" });
      continue;
    }
    left -= bytes;
    summary.changes.push(change);
  }
  return summary;
}

function changeOf(planned: Values): ChangeInit & { before: string; after: string } {
  const change = isObject(planned.change) ? planned.change : {};
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
    before: shown(change.before, change.before_sensitive),
    after: shown(change.after, change.after_sensitive),
    previousAddress: text(planned.previous_address),
  };
}

function shown(value: unknown, sensitive: unknown): string {
  const open = withoutSensitive(value, sensitive);
  return isObject(open) ? JSON.stringify(open) : "";
}

/** The value without the parts that the mask marks: `true`, or an object or list of the value's shape. */
function withoutSensitive(value: unknown, mask: unknown): unknown {
  if (mask === true) return undefined;
  if (Array.isArray(value)) {
    const masks = Array.isArray(mask) ? mask : [];
    // Positions are kept: rules may refer to them.
    return value.map((item, index) => withoutSensitive(item, masks[index]) ?? null);
  }
  if (!isObject(value)) return value;
  const masks = isObject(mask) ? mask : {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => {
      const open = withoutSensitive(item, masks[key]);
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
