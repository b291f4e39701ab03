/**
 * The layer table: who may import whom. What no row allows is an error, and so is a file that belongs to no row.
 * See docs/ARCHITECTURE.md.
 */
const PACKAGES = {
  base: [],
  "proto-gen": ["base"],
  rbac: ["base"],
  "app-url": ["base"],
  tunnel: ["base"],
  sdk: ["base"],
  telemetry: ["base"],
  embedded: ["base"],
  "terraform-provider": ["base", "proto-gen"],
  provisionersdk: ["base", "proto-gen"],
  agentsdk: ["base", "proto-gen"],
  testkit: ["base", "embedded"],
};

const SERVICES = ["coderd", "provisionerd", "proxy", "agent", "cli"];
const LIBRARIES = Object.keys(PACKAGES).filter((name) => name !== "testkit");
const TEST = "(\\.test\\.tsx?$|/testing/|/fixtures/)";
const any = (names) => `(${names.join("|")})`;

const withinSelf = { from: { path: "^(packages|services)/([^/]+)/" }, to: { path: "^$1/$2/" } };
const packageRows = Object.entries(PACKAGES)
  .filter(([, allowed]) => allowed.length > 0)
  .map(([name, allowed]) => ({
    from: { path: `^packages/${name}/` },
    to: { path: `^packages/${any(allowed)}/src/` },
  }));

module.exports = {
  forbidden: [
    {
      name: "no-cycle",
      severity: "error",
      comment: "Cut the circle: one of the two knows too much.",
      from: { pathNot: "/gen/" },
      to: { circular: true },
    },
    {
      name: "postgres-belongs-to-coderd",
      comment: "Invariant 1: only coderd opens Postgres.",
      severity: "error",
      from: { path: "^(packages|services)/", pathNot: `^(services/coderd|packages/testkit)/|${TEST}` },
      to: { path: "node_modules/(pg|@prisma|prisma)/" },
    },
    {
      name: "redis-belongs-to-coderd-and-the-queue-source",
      comment: "Invariant 1: only coderd and provisionerd's queue source speak to Redis.",
      severity: "error",
      from: {
        path: "^(packages|services)/",
        pathNot: `^(services/coderd|services/provisionerd/src/source|packages/testkit)/|${TEST}`,
      },
      to: { path: "node_modules/(ioredis|bullmq)/" },
    },
    {
      name: "prisma-stays-in-stores",
      comment: "Inside coderd, domain services and edges go through a store.",
      severity: "error",
      from: { path: "^services/coderd/src/(http|rpc|convert)/", pathNot: TEST },
      to: { path: "^services/coderd/src/database/gen/client", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "domain-knows-no-edge",
      comment: "Domain code knows no HTTP and no gRPC.",
      severity: "error",
      from: { path: "^services/coderd/src/(?!http|rpc|testing|main|coderd\\.ts)[^/]+/", pathNot: TEST },
      to: { path: "^services/coderd/src/(http|rpc)/" },
    },
    {
      name: "testkit-is-for-tests",
      severity: "error",
      from: { path: "^(packages|services)/", pathNot: `^packages/testkit/|${TEST}` },
      to: { path: "^packages/testkit/" },
    },
    {
      name: "no-undeclared-dependency",
      severity: "error",
      from: {},
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown"] },
    },
  ],
  allowedSeverity: "error",
  allowed: [
    withinSelf,
    ...packageRows,
    { from: { path: `^services/${any(SERVICES)}/` }, to: { path: `^packages/${any(LIBRARIES)}/src/` } },
    { from: { path: "^services/dashboard/" }, to: { path: "^packages/sdk/src/" } },
    {
      from: { path: `^(packages|services)/.*${TEST}` },
      to: { path: `^packages/${any(Object.keys(PACKAGES))}/src/` },
    },
    // A test may stand a real peer beside the unit: over the wire, started from dist, never by import.
    { from: { path: "^e2e/" }, to: { path: "^(e2e/|packages/)" } },
    { from: { path: "^(packages|services|e2e)/" }, to: { dependencyTypes: ["npm", "npm-dev", "core"] } },
    { from: { path: "^(packages|services|e2e)/" }, to: { path: "\\.(css|svg|json)$" } },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(/gen/|\\.types/|/dist/|/fixtures/|jest\\.config\\.js$|^packages/[^/]+/[^/]+\\.mjs$)" },
    tsPreCompilationDeps: true,
    extraExtensionsToScan: [".css"],
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default"] },
  },
};
