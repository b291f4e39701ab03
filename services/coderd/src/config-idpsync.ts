import { FleetError, isUuid } from "@fleet/base";
import { boolean, list, parsed, text } from "@fleet/base/settings";
import { patternFault } from "@fleet/parameters/re2";

/** Parses JSON. Throws the sentence that completes "NAME: …" unless all values of the object fit. */
function mapping<T>(shape: string, fits: (value: unknown) => value is T) {
  return (value: string): Record<string, T> => {
    const wrong = (cause?: unknown) =>
      new FleetError("invalid_argument", `must be JSON such as ${shape}`, { cause });
    let found: unknown;
    try {
      found = JSON.parse(value);
    } catch (cause) {
      throw wrong(cause);
    }
    if (typeof found !== "object" || found === null || Array.isArray(found)) throw wrong();
    if (!Object.values(found).every(fits)) throw wrong();
    return found as Record<string, T>;
  };
}

const isText = (value: unknown) => typeof value === "string";
const isList = (value: unknown) => Array.isArray(value) && value.every(isText);
const isIds = (value: unknown): value is string[] => isList(value) && (value as string[]).every(isUuid);
const isNames = (value: unknown): value is string[] => isList(value);

/** How organizations, groups and site roles follow the claims of the OIDC provider until settings are stored. */
export const idpSyncSettings = {
  CODER_OIDC_ORGANIZATION_FIELD: text({
    default: "",
    help: "Claim that names a user's organizations; if unset, organizations are not synchronized. Settings made at runtime take precedence",
  }),
  CODER_OIDC_ORGANIZATION_MAPPING: parsed({
    type: "json",
    parse: mapping('{"claim value": ["organization ID"]}', isIds),
    default: "{}",
    help: "Organizations by claim value, as JSON: a list of organization IDs for each value",
  }),
  CODER_OIDC_ORGANIZATION_ASSIGN_DEFAULT: boolean({
    default: "true",
    help: "Add every user to the default organization, whatever its claims",
  }),
  CODER_OIDC_GROUP_FIELD: text({
    default: "",
    help: "Claim that names a user's groups in the default organization; if unset, groups are not synchronized. Settings made at runtime take precedence",
  }),
  CODER_OIDC_GROUP_MAPPING: parsed({
    type: "json",
    parse: mapping('{"claim value": "group name"}', isText),
    default: "{}",
    help: "Group names by claim value, as JSON, where they differ",
  }),
  CODER_OIDC_GROUP_REGEX_FILTER: text({
    type: "regexp",
    default: ".*",
    check: (pattern) => {
      const fault = patternFault(pattern);
      if (fault) throw new FleetError("invalid_argument", fault);
    },
    help: "Ignore values of the group claim that do not match",
  }),
  CODER_OIDC_GROUP_AUTO_CREATE: boolean({
    default: "false",
    help: "Create the groups of the group claim that do not exist",
  }),
  CODER_OIDC_USER_ROLE_FIELD: text({
    default: "",
    help: "Claim that names a user's site roles; if unset, site roles are not synchronized",
  }),
  CODER_OIDC_USER_ROLE_MAPPING: parsed({
    type: "json",
    parse: mapping('{"claim value": ["user-admin"]}', isNames),
    default: "{}",
    help: "Site roles by claim value, as JSON: a list of roles for each value; other values are names of roles",
  }),
  CODER_OIDC_USER_ROLE_DEFAULT: list({
    default: "",
    help: "Site roles of every user whose roles are synchronized",
  }),
};
