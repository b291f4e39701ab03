import { isUuid } from "@fleet/base";
import { sameText } from "../database/text.js";

/** The condition of a row that a path calls by id or by name. */
export const byIdOrName = (id: string, name: string) => (isUuid(id) ? { id } : { [name]: sameText(id) });

export const organizationWhere = (idOrName: string) =>
  idOrName === "default" ? { isDefault: true } : byIdOrName(idOrName, "name");
