/** What the server takes as the name of a user or a workspace, and how it is told. */
export const NAME_PATTERN = "[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*";
export const NAME_RULE = "Use letters, digits and single hyphens";
