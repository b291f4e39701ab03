import { attributeOf, DYNAMIC, literalOf, requiredProviders } from "@fleet/provisionersdk/hcl";
import type { Mistake } from "../finding.js";
import { attributesOf, declared, type Module } from "../module.js";
import type { Rule } from "./rule.js";

/** `namespace/name/provider`, optionally with a host: a module in a registry. */
const REGISTRY_MODULE = /^([a-z0-9.-]+\.[a-z]+(:\d+)?\/)?[\w-]+\/[\w-]+\/[\w-]+(\/\/.*)?$/i;
const GIT_MODULE = /^(git::|github\.com\/|bitbucket\.org\/|git@)/;

function unpinnedProviders(module: Module): Mistake[] {
  if (module.folder !== "" || module.locked) return [];
  return module.blocks
    .flatMap(({ file, block }) => requiredProviders(block).map((attribute) => ({ file, attribute })))
    .flatMap(({ file, attribute }) => {
      const value = literalOf(attribute.tokens);
      const pinned = value !== null && typeof value === "object" && "version" in value;
      // The server provides coder/coder.
      if (value === DYNAMIC || typeof value === "string" || pinned || attribute.name === "coder") return [];
      return {
        file,
        line: attribute.line,
        message: `Provider ${attribute.name} has no version, and there is no .terraform.lock.hcl: each version of the template gets the latest release. Add a version, or run "terraform init" and keep the lock file.`,
      };
    });
}

function unpinnedModules({ blocks }: Module): Mistake[] {
  return blocks
    .filter(({ block }) => block.type === "module")
    .flatMap(({ file, block }) => {
      const source = attributeOf(block.body, "source");
      const from = source && literalOf(source.tokens);
      if (typeof from !== "string") return [];
      const at = { file, line: source!.line };
      if (REGISTRY_MODULE.test(from) && !GIT_MODULE.test(from) && !attributeOf(block.body, "version"))
        return {
          ...at,
          message: `Module ${block.labels[0]} has no version: each version of the template gets the latest release. Add version = "…".`,
        };
      if (GIT_MODULE.test(from) && !/[?&]ref=/.test(from))
        return {
          ...at,
          message: `Module ${block.labels[0]} follows a branch: each version of the template gets its latest commit. Add ?ref=<tag or commit> to the source.`,
        };
      return [];
    });
}

/** What version 2 of the provider has removed: an expression, and what replaces it. */
const REMOVED: readonly { pattern: RegExp; instead: string }[] = [
  {
    pattern: /\bdata\.coder_workspace\.[\w-]+\.owner\b/,
    instead: "Use data.coder_workspace_owner.<name>.name.",
  },
  {
    pattern:
      /\bdata\.coder_workspace\.[\w-]+\.owner_(id|email|name|groups|oidc_access_token|session_token)\b/,
    instead: "Use the attributes of data.coder_workspace_owner.",
  },
  { pattern: /\bdata\.coder_git_auth\b/, instead: "Use data.coder_external_auth." },
];

function removed(module: Module): Mistake[] {
  const used = module.blocks.flatMap(({ file, block }) =>
    [...attributesOf(block.body)].flatMap(({ text, line }) => {
      const found = REMOVED.find(({ pattern }) => pattern.test(text));
      if (!found) return [];
      const what = found.pattern.exec(text)![0];
      return { file, line, message: `${what} was removed in version 2 of the provider. ${found.instead}` };
    }),
  );
  const git = declared(module, "data", "coder_git_auth").map(({ file, block }) => ({
    file,
    line: block.line,
    message: "coder_git_auth was removed in version 2 of the provider. Use coder_external_auth.",
  }));
  const managed = module.blocks
    .filter(({ block }) => block.type === "provider" && block.labels[0] === "coder")
    .flatMap(({ file, block }) => {
      const attribute = attributeOf(block.body, "feature_use_managed_variables");
      const message =
        "feature_use_managed_variables was removed in version 2 of the provider: variables are always managed. Remove it.";
      return attribute ? { file, line: attribute.line, message } : [];
    });
  return [...used, ...git, ...managed];
}

export const providerRules: readonly Rule[] = [
  {
    name: "unpinned-provider",
    severity: "warning",
    about: "A provider without a version or lock file",
    check: unpinnedProviders,
  },
  {
    name: "unpinned-module",
    severity: "warning",
    about: "A module from a registry or a Git repository without a version",
    check: unpinnedModules,
  },
  {
    name: "removed-in-v2",
    severity: "error",
    about: "Something that version 2 of the coder provider has removed",
    check: removed,
  },
  {
    name: "stored-state",
    severity: "error",
    about: "A backend: the server stores the state of workspaces",
    check({ folder, blocks }) {
      if (folder !== "") return [];
      return blocks
        .filter(({ block }) => block.type === "terraform")
        .flatMap(({ file, block }) =>
          block.body.blocks
            .filter(({ type }) => type === "backend" || type === "cloud")
            .map(({ type, line }) => ({
              file,
              line,
              message: `The server stores the state of workspaces. Remove the ${type} block.`,
            })),
        );
    },
  },
];
