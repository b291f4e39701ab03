export type { Finding } from "./finding.js";
export { lintTemplate, RULES } from "./lint.js";
