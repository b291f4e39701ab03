/** Pattern of valid user and workspace names, and its description. */
export const NAME_PATTERN = "[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*";
export const NAME_RULE = "Use letters, digits and single hyphens";
