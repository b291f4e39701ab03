import { attributeOf, literalOf } from "@fleet/provisionersdk/hcl";
import { attributesOf } from "../module.js";
import type { Rule } from "./rule.js";

const SECRET_NAME = /(^|_)(password|passwd|secret|token|api_?key|private_key|access_key|credentials?)$/i;
/** Values that are secrets whatever their name: private keys, and access keys of AWS, GitHub, GitLab and Slack. */
const SECRET_VALUE =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bglpat-[\w-]{20,}|\bxox[baprs]-[\w-]{10,}/;

export const secretRules: readonly Rule[] = [
  {
    name: "secret-in-template",
    severity: "error",
    about: "A secret in the template's files, which everybody who can read the template sees",
    check({ blocks }) {
      return blocks.flatMap(({ file, block }) =>
        [...attributesOf(block.body)].flatMap(({ name, text, tokens, line }) => {
          const value = literalOf(tokens);
          const named =
            SECRET_NAME.test(name) &&
            typeof value === "string" &&
            value.length >= 8 &&
            block.type !== "variable";
          if (!named && !SECRET_VALUE.test(text)) return [];
          return {
            file,
            line,
            message: `${name} looks like a secret. Everybody who can read the template can read it; use a sensitive variable.`,
          };
        }),
      );
    },
  },
  {
    name: "variable-not-sensitive",
    severity: "warning",
    about: "A variable for a secret that is not sensitive, so that logs and the API show it",
    check({ blocks }) {
      return blocks
        .filter(({ block }) => block.type === "variable" && SECRET_NAME.test(block.labels[0] ?? ""))
        .filter(({ block }) => attributeOf(block.body, "sensitive")?.text !== "true")
        .map(({ file, block }) => ({
          file,
          line: block.line,
          message: `Variable ${block.labels[0]} looks like a secret but is not sensitive, so its value can be read. Add sensitive = true.`,
        }));
    },
  },
];
