import { generatedId, type Resource } from "../definition.js";
import { atMostLong, oneOf } from "../rules/checks.js";
import { parseUrl, url } from "../rules/url.js";
import { optional, required } from "../schema/block.js";
import { type Diagnostic, refusal } from "../schema/diagnostic.js";
import { isUnknown, type Values } from "../wire/value.js";

const SLUG = /^[a-z0-9](-?[a-z0-9])*$/;

/** A link to something running in the workspace, a terminal command, or an external URL. */
export const app: Resource = {
  version: 1,
  block: {
    attributes: {
      agent_id: required.string(),
      command: optional.string({ conflictsWith: ["subdomain", "url"] }),
      display_name: optional.string({ check: atMostLong(64) }),
      external: optional.bool({
        default: false,
        conflictsWith: ["healthcheck", "command", "subdomain"],
      }),
      group: optional.string({ check: atMostLong(64) }),
      hidden: optional.bool({ default: false }),
      icon: optional.string({ check: url }),
      id: generatedId,
      open_in: optional.string({ default: "slim-window", check: oneOf("tab", "slim-window") }),
      order: optional.number(),
      share: optional.string({ default: "owner", check: oneOf("owner", "authenticated", "public") }),
      slug: required.string({
        check: (slug) =>
          SLUG.test(String(slug))
            ? undefined
            : `"${slug}" is not a valid slug. Use lowercase letters and digits, separated by single hyphens, because it becomes part of a hostname.`,
      }),
      subdomain: optional.bool(),
      tooltip: optional.string({ check: atMostLong(2048) }),
      url: optional.string({ conflictsWith: ["command"] }),
    },
    blocks: {
      healthcheck: {
        nesting: "set",
        maxItems: 1,
        conflictsWith: ["command"],
        block: {
          attributes: { interval: required.number(), threshold: required.number(), url: required.string() },
        },
      },
    },
  },
  check: checkExternal,
};

/** Apps that open on the user's own machine need a full URL. */
function checkExternal({ external, url: address }: Values): Diagnostic[] {
  if (external !== true || isUnknown(address)) return [];
  const parts = parseUrl(String(address ?? ""));
  if (parts?.scheme && parts.host) return [];
  return [
    refusal(`The "url" of an external app must have a scheme and a host, such as https://example.com.`, [
      "url",
    ]),
  ];
}
