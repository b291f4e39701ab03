import type { Answers } from "./deployment.js";

/** Somebody without any permission. */
export const FORBIDDEN: Answers = {
  authCheck: ({ body }) =>
    Object.fromEntries(Object.keys((body as { checks: object }).checks).map((name) => [name, false])),
};
