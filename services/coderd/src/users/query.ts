import { LoginType, UserStatus } from "../database/gen/enums.js";
import { badSearch } from "../search/terms.js";
import type { UserFilter } from "./store.js";

/**
 * Parses the user search query: free text, `status:`, `role:` and `login_type:`, each with a comma-separated
 * list, and `service_account:`, true or false.
 */
export function parseUserQuery(query: string): UserFilter {
  const filter: UserFilter = {};
  const words: string[] = [];
  for (const part of query.split(/\s+/).filter(Boolean)) {
    const [key, value = ""] = part.split(":", 2);
    if (!part.includes(":")) words.push(part);
    else if (key === "status") filter.status = members(value, Object.values(UserStatus), "status");
    else if (key === "login_type") filter.loginType = members(value, Object.values(LoginType), "login_type");
    else if (key === "role") filter.roles = value.split(",");
    else if (key === "service_account")
      filter.serviceAccount = members(value, ["true", "false"], "service_account")[0] === "true";
    else
      throw badSearch(
        `"${key}" is not a valid search key. Valid keys: status, role, login_type, service_account. Plain text is also allowed.`,
      );
  }
  if (words.length > 0) filter.text = words.join(" ");
  return filter;
}

function members<T extends string>(value: string, allowed: readonly T[], key: string): T[] {
  return value.split(",").map((member) => {
    if ((allowed as readonly string[]).includes(member)) return member as T;
    throw badSearch(`"${member}" is not a valid ${key}. Valid values: ${allowed.join(", ")}.`);
  });
}
