import { isUuid } from "@fleet/base";
import { sameText } from "../database/text.js";

/** Matches a row by id or name, as given in a path. */
export const byIdOrName = (id: string, name: string) => (isUuid(id) ? { id } : { [name]: sameText(id) });

export const organizationWhere = (idOrName: string) =>
  idOrName === "default" ? { isDefault: true } : byIdOrName(idOrName, "name");
