import { FleetError } from "@fleet/base";

export type Values = Readonly<Record<string, unknown>>;

/** One instance of a resource or data source, from a state file or from a plan. */
export type Instance = {
  /** The full address, with instance keys. */
  address: string;
  /** The address without instance keys: the graph's name for it. */
  label: string;
  modulePath: string;
  mode: "managed" | "data";
  type: string;
  name: string;
  index: number | string | undefined;
  /** The source address of its provider: `registry.terraform.io/coder/coder`. */
  provider: string;
  values: Values;
};

/** The instances in a terraform state file (format version 4). Throws `failed_precondition` if it is not one. */
export function instancesOfState(bytes: Uint8Array): Instance[] {
  if (bytes.length === 0) return [];
  const read = readerOf("The terraform state");
  const state = read.json(bytes);
  if (state.version !== 4) {
    throw new FleetError(
      "failed_precondition",
      `The terraform state has format ${String(state.version)}; only format 4 is supported.`,
    );
  }
  return read.objects(state.resources).flatMap((resource) => {
    const provider = read.text(resource.provider);
    return read
      .objects(resource.instances)
      .filter((instance) => instance.deposed === undefined)
      .map((instance) =>
        instanceOf({
          modulePath: read.text(resource.module ?? ""),
          ...read.named(resource),
          index: read.key(instance.index_key),
          provider: /\["(.+?)"\]/.exec(provider)?.[1] ?? provider,
          values: read.object(instance.attributes ?? {}),
        }),
      );
  });
}

/**
 * The instances that a plan results in (from `terraform show -json`), and the data sources read for it. Throws
 * `failed_precondition` if it is not a plan.
 */
export function instancesOfPlan(bytes: Uint8Array): Instance[] {
  const read = readerOf("Terraform's plan");
  const plan = read.json(bytes);
  const planned = ofModule(read.object(plan.planned_values ?? {}).root_module, read);
  const known = new Set(planned.map((instance) => instance.address));
  const prior = read.object(read.object(plan.prior_state ?? {}).values ?? {});
  const found = ofModule(prior.root_module, read).filter(
    (instance) => instance.mode === "data" && !known.has(instance.address),
  );
  return [...planned, ...found];
}

/**
 * The instances that a list of changes results in: `resource_changes` of a plan, which `terraform test` prints without
 * planned values. Throws `failed_precondition` if it is not one.
 */
export function instancesOfChanges(plan: unknown): Instance[] {
  const read = readerOf("Terraform's plan");
  return read.objects(read.object(plan).resource_changes).flatMap((change) => {
    const { after } = read.object(change.change);
    if (after === undefined || after === null) return [];
    return instanceOf({
      modulePath: read.text(change.module_address ?? ""),
      ...read.named(change),
      index: read.key(change.index),
      provider: read.text(change.provider_name),
      values: read.object(after),
    });
  });
}

/**
 * The data sources that a plan (from `terraform show -json`) puts off until apply, each with the names of its attributes
 * and blocks that are not known. Throws `failed_precondition` if it is not a plan.
 */
export function deferredOfPlan(bytes: Uint8Array): { instance: Instance; unknown: string[] }[] {
  const read = readerOf("Terraform's plan");
  const changes = read.objects(read.json(bytes).resource_changes);
  const deferred = changes.filter(
    (change) => JSON.stringify(read.object(change.change).actions) === '["read"]',
  );
  return instancesOfChanges({ resource_changes: deferred }).map((instance, index) => {
    const unknown = read.object(read.object(deferred[index]!.change).after_unknown ?? {});
    return { instance, unknown: Object.keys(unknown).filter((name) => holdsTrue(unknown[name])) };
  });
}

/** `after_unknown` has true in the place of each unknown value. */
function holdsTrue(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return value === true;
  return Object.values(value).some(holdsTrue);
}

function ofModule(given: unknown, read: Reader): Instance[] {
  if (given === undefined || given === null) return [];
  const module = read.object(given);
  const own = read.objects(module.resources).map((resource) =>
    instanceOf({
      modulePath: read.text(module.address ?? ""),
      ...read.named(resource),
      index: read.key(resource.index),
      provider: read.text(resource.provider_name),
      values: read.object(resource.values ?? {}),
    }),
  );
  return [...own, ...read.objects(module.child_modules).flatMap((child) => ofModule(child, read))];
}

/**
 * Validates a document from terraform, or from whoever pushed it, part by part. Anything unexpected is a
 * `failed_precondition`.
 */
type Reader = {
  object(value: unknown): Values;
  text(value: unknown): string;
  json(bytes: Uint8Array): Values;
  /** The objects of a list; none if it is not a list. */
  objects(value: unknown): Values[];
  named(value: Values): Pick<Instance, "mode" | "type" | "name">;
  /** An instance's key, undefined if it has none. */
  key(value: unknown): Instance["index"];
};

function readerOf(what: string): Reader {
  function fail(expected: string): never {
    throw new FleetError("failed_precondition", `${what} is invalid: ${expected} is missing or malformed.`);
  }
  const object = (value: unknown): Values =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Values)
      : fail("an object");
  const text = (value: unknown): string => (typeof value === "string" ? value : fail("a name"));
  return {
    object,
    text,
    json(bytes) {
      try {
        return object(JSON.parse(new TextDecoder().decode(bytes)));
      } catch (cause) {
        if (cause instanceof FleetError) throw cause;
        throw new FleetError("failed_precondition", `${what} is not valid JSON.`, { cause });
      }
    },
    objects(value) {
      if (value === undefined || value === null) return [];
      return Array.isArray(value) ? value.map(object) : fail("a list");
    },
    named: (value) => ({
      mode: value.mode === "data" ? "data" : "managed",
      type: text(value.type),
      name: text(value.name),
    }),
    key(value) {
      if (value === undefined || value === null) return undefined;
      return typeof value === "string" || typeof value === "number" ? value : fail("an instance key");
    },
  };
}

function instanceOf(instance: Omit<Instance, "address" | "label">): Instance {
  const { modulePath, mode, type, name, index } = instance;
  const own = `${mode === "data" ? "data." : ""}${type}.${name}`;
  const inModule = modulePath === "" ? own : `${modulePath}.${own}`;
  const key = index === undefined ? "" : `[${JSON.stringify(index)}]`;
  return { ...instance, address: inModule + key, label: withoutKeys(inModule) };
}

/** `module.a["x"].b.c[0]` → `module.a.b.c`. */
function withoutKeys(address: string): string {
  return address.replace(/\[(?:\d+|"(?:[^"\\]|\\.)*")\]/g, "");
}
