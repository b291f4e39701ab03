import { FleetError } from "@fleet/base";
import type { Values } from "./instances.js";

/** What a configuration declares, by address without instance keys: also what has no instance (`count = 0`). */
export type Declared = {
  /** Whether the configuration has this resource, data source or module call. */
  has(label: string): boolean;
  /** The resource whose attribute this attribute is, also through variables and outputs of modules. */
  reference(label: string, attribute: string): Reference | undefined;
};

/** `key` is the instance key as written, `[0]`, if it is a constant. */
export type Reference = { label: string; key: string | undefined };

type Module = { path: string; values: Values; call: Values; parent: Module | undefined };

/** Modules nest, and references pass through variables and outputs, this deep at most. */
const MAX_DEPTH = 32;

/** What the plan (from `terraform show -json`) says of its configuration. Throws `failed_precondition` if it is not JSON. */
export function declaredIn(plan: Uint8Array): Declared {
  const modules = new Map<string, Module>();
  const resources = new Map<string, { module: Module; expressions: Values }>();

  const visit = (module: Module, depth: number) => {
    modules.set(module.path, module);
    for (const resource of objects(module.values.resources)) {
      const label = below(module.path, String(resource.address ?? ""));
      resources.set(label, { module, expressions: object(resource.expressions) });
    }
    if (depth === MAX_DEPTH) return;
    for (const [name, value] of Object.entries(object(module.values.module_calls))) {
      const call = object(value);
      const path = below(module.path, `module.${name}`);
      visit({ path, values: object(call.module), call, parent: module }, depth + 1);
    }
  };
  const root = object(object(parsed(plan).configuration).root_module);
  visit({ path: "", values: root, call: {}, parent: undefined }, 0);

  function follow(module: Module | undefined, expression: unknown, depth: number): Reference | undefined {
    const [reference] = [object(expression).references].flat();
    if (!module || typeof reference !== "string" || depth === MAX_DEPTH) return undefined;
    const [kind, name, output] = reference.replace(/\[[^\]]*\]/g, "").split(".");
    if (kind === "var") {
      return follow(module.parent, object(module.call.expressions)[name ?? ""], depth + 1);
    }
    if (kind === "module") {
      const called = modules.get(below(module.path, `module.${name}`));
      return follow(called, object(object(called?.values.outputs)[output ?? ""]).expression, depth + 1);
    }
    const label = below(module.path, `${kind}.${name}`);
    return resources.has(label) ? { label, key: /(\[[^\]]*\])\.[^.\]]*$/.exec(reference)?.[1] } : undefined;
  }

  return {
    has: (label) => resources.has(label) || (label !== "" && modules.has(label)),
    reference(label, attribute) {
      const found = resources.get(label);
      return found && follow(found.module, found.expressions[attribute], 0);
    },
  };
}

const below = (path: string, name: string) => (path === "" ? name : `${path}.${name}`);

function parsed(plan: Uint8Array): Values {
  try {
    return object(JSON.parse(new TextDecoder().decode(plan)));
  } catch (cause) {
    throw new FleetError("failed_precondition", "Terraform's plan is not valid JSON.", { cause });
  }
}

const object = (value: unknown): Values =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Values) : {};
const objects = (value: unknown): Values[] => (Array.isArray(value) ? value.map(object) : []);
