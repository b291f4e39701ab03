/**
 * What is bundled. The services are ES modules; the agent and the CLI are CommonJS, the only format that a single
 * executable can evaluate.
 */
export const UNITS = [
  { name: "coderd", format: "esm", outfile: "coderd.js" },
  // The process in which coderd evaluates policies.
  { name: "coderd", entry: "policies/cel/child.ts", format: "esm", outfile: "policy-evaluator.js" },
  { name: "provisionerd", format: "esm", outfile: "provisionerd.js" },
  // The same for the single executable, which runs it as `coder provisioner start`.
  { name: "provisionerd", format: "cjs", outfile: "provisionerd.cjs" },
  { name: "proxy", format: "esm", outfile: "proxy.js" },
  { name: "agent", format: "cjs", outfile: "agent.cjs" },
  { name: "cli", format: "cjs", outfile: "cli.cjs" },
];

/** Folders that ship unchanged with a unit: `from` is relative to the root, `to` relative to dist. */
export const FOLDERS = [
  { unit: "coderd", from: "services/coderd/prisma/migrations", to: "migrations" },
  { unit: "coderd", from: "templates", to: "templates" },
  {
    unit: "coderd",
    from: "services/coderd/node_modules/swagger-ui-dist",
    to: "swagger",
    files: [
      "index.html",
      "index.css",
      "swagger-ui.css",
      "swagger-ui-bundle.js",
      "swagger-ui-standalone-preset.js",
      "favicon-16x16.png",
      "favicon-32x32.png",
      "LICENSE",
      "NOTICE",
    ],
  },
];
