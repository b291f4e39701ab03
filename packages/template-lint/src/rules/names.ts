import { AGENT_NAME, APP_SLUG } from "@fleet/base";
import { attributeOf, type HclBody, literalOf } from "@fleet/provisionersdk/hcl";
import type { Mistake } from "../finding.js";
import { declared, type Located, type Module } from "../module.js";
import type { Rule } from "./rule.js";

function nameIn(body: HclBody, attribute: string): string | undefined {
  const found = attributeOf(body, attribute);
  const value = found && literalOf(found.tokens);
  return typeof value === "string" ? value : undefined;
}

/** A mistake for each declaration whose name an earlier one already has. */
function repeated(
  declarations: readonly Located[],
  nameOf: (located: Located) => string | undefined,
  message: (name: string, first: Located) => string,
): Mistake[] {
  const first = new Map<string, Located>();
  return declarations.flatMap((located) => {
    const name = nameOf(located);
    if (name === undefined) return [];
    const earlier = first.get(name);
    if (!earlier) {
      first.set(name, located);
      return [];
    }
    return { file: located.file, line: located.block.line, message: message(name, earlier) };
  });
}

function place({ file, block }: Located): string {
  return `${file}:${block.line}`;
}

/** Resources of which only some exist at a time may share a name. */
function always({ block }: Located): boolean {
  return !attributeOf(block.body, "count") && !attributeOf(block.body, "for_each");
}

function invalidNames(module: Module): Mistake[] {
  const agents = declared(module, "resource", "coder_agent")
    .filter(({ block }) => !AGENT_NAME.test(block.labels[1]!))
    .map(({ file, block }) => ({
      file,
      line: block.line,
      message: `The agent name "${block.labels[1]}" becomes part of a hostname. Use letters, digits and single hyphens.`,
    }));
  const apps = declared(module, "resource", "coder_app").flatMap(({ file, block }) => {
    const slug = nameIn(block.body, "slug");
    if (slug === undefined || APP_SLUG.test(slug)) return [];
    const line = attributeOf(block.body, "slug")!.line;
    return {
      file,
      line,
      message: `The app slug "${slug}" becomes part of an address. Use lowercase letters, digits and single hyphens.`,
    };
  });
  return [...agents, ...apps];
}

export const nameRules: readonly Rule[] = [
  {
    name: "invalid-name",
    severity: "error",
    about: "An agent or app whose name cannot be part of an address",
    check: invalidNames,
  },
  {
    name: "duplicate-name",
    severity: "error",
    about: "Two parameters, apps, agents or presets with the same name",
    check(module) {
      const named = (kind: "resource" | "data", type: string, attribute: string, what: string) =>
        repeated(
          declared(module, kind, type).filter(always),
          ({ block }) => nameIn(block.body, attribute),
          (name, first) =>
            `The ${what} "${name}" is already declared at ${place(first)}. Choose another name.`,
        );
      return [
        ...named("data", "coder_parameter", "name", "parameter"),
        ...named("data", "coder_workspace_preset", "name", "preset"),
        ...named("resource", "coder_app", "slug", "app slug"),
        ...repeated(
          declared(module, "resource", "coder_agent"),
          ({ block }) => block.labels[1]!.toLowerCase(),
          (name, first) =>
            `The agent name "${name}" is already declared at ${place(first)}; agent names are case-insensitive. Choose another name.`,
        ),
      ];
    },
  },
];
