import { FleetError } from "@fleet/base";

export type Values = Readonly<Record<string, unknown>>;

/** One instance of a resource or data source, from a state file or from a plan. */
export type Instance = {
  /** The whole address, with instance keys. */
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

type StateFile = {
  version: number;
  resources?: {
    module?: string;
    mode: Instance["mode"];
    type: string;
    name: string;
    provider: string;
    instances: { index_key?: number | string; attributes?: Values; deposed?: string }[];
  }[];
};

/** The instances in a terraform state file (format version 4). */
export function instancesOfState(bytes: Uint8Array): Instance[] {
  if (bytes.length === 0) return [];
  const state = parseJson<StateFile>(bytes, "The terraform state");
  if (state.version !== 4) {
    throw new FleetError(
      "failed_precondition",
      `The terraform state has format ${state.version}; only 4 can be read.`,
    );
  }
  return (state.resources ?? []).flatMap(({ module = "", mode, type, name, provider, instances }) =>
    instances
      .filter((instance) => instance.deposed === undefined)
      .map((instance) =>
        instanceOf({
          modulePath: module,
          mode,
          type,
          name,
          index: instance.index_key,
          provider: /\["(.+?)"\]/.exec(provider)?.[1] ?? provider,
          values: instance.attributes ?? {},
        }),
      ),
  );
}

type PlanModule = {
  address?: string;
  resources?: {
    mode: Instance["mode"];
    type: string;
    name: string;
    index?: number | string;
    provider_name: string;
    values?: Values;
  }[];
  child_modules?: PlanModule[];
};

type PlanFile = {
  planned_values?: { root_module?: PlanModule };
  prior_state?: { values?: { root_module?: PlanModule } };
};

/** The instances that a plan leads to (`terraform show -json` of it), and the data sources that were read for it. */
export function instancesOfPlan(bytes: Uint8Array): Instance[] {
  const plan = parseJson<PlanFile>(bytes, "Terraform's plan");
  const planned = ofModule(plan.planned_values?.root_module);
  const known = new Set(planned.map((instance) => instance.address));
  const read = ofModule(plan.prior_state?.values?.root_module).filter(
    (instance) => instance.mode === "data" && !known.has(instance.address),
  );
  return [...planned, ...read];
}

function ofModule(module: PlanModule | undefined): Instance[] {
  if (!module) return [];
  const own = (module.resources ?? []).map(({ mode, type, name, index, provider_name, values }) =>
    instanceOf({
      modulePath: module.address ?? "",
      mode,
      type,
      name,
      index,
      provider: provider_name,
      values: values ?? {},
    }),
  );
  return [...own, ...(module.child_modules ?? []).flatMap(ofModule)];
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

function parseJson<T>(bytes: Uint8Array, what: string): T {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as T;
  } catch (cause) {
    throw new FleetError("failed_precondition", `${what} is not JSON and cannot be read.`, { cause });
  }
}
