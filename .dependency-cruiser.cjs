/**
 * The layer table: who may import whom. What no row allows is an error, and so is a file that belongs to no row.
 * See docs/ARCHITECTURE.md.
 */
const PACKAGES = {
  base: [],
  "proto-gen": ["base"],
  rbac: ["base"],
  "app-url": ["base"],
  parameters: [],
  tunnel: ["base"],
  sdk: ["base", "rbac"],
  telemetry: ["base"],
  embedded: ["base"],
  "terraform-provider": ["base", "parameters", "proto-gen"],
  provisionersdk: ["base", "proto-gen"],
  "template-lint": ["base", "parameters", "provisionersdk"],
  agentsdk: ["base", "proto-gen"],
  testkit: ["base", "embedded"],
};

/**
 * The nouns of coderd, from the bottom up: each with the nouns that it may know, which stand above it in this list, so
 * that no circle can be written down. Every noun knows `database` and what stands beside the folders (redis.ts, …).
 */
const NOUNS = [
  ["database", []],
  ["pubsub", []],
  ["auth", []],
  ["grants", []],
  ["roles", []],
  ["apikeys", ["auth", "roles"]],
  ["cryptokeys", []],
  ["dbcrypt", []],
  ["files", ["auth"]],
  ["parameters", []],
  ["schedules", []],
  ["deliveries", ["auth", "dbcrypt"]],
  ["notifications", ["auth", "pubsub", "deliveries"]],
  ["webhooks", ["auth", "dbcrypt", "deliveries"]],
  ["syslog", ["deliveries"]],
  ["portshares", ["auth"]],
  ["search", []],
  ["users", ["auth", "roles", "apikeys", "cryptokeys", "schedules", "search", "notifications"]],
  ["externalauth", ["auth", "pubsub", "dbcrypt"]],
  ["usersecrets", ["auth", "dbcrypt", "users"]],
  ["sshaccess", ["auth", "apikeys", "users"]],
  ["audit", ["auth", "search", "users"]],
  ["connectionlog", ["auth", "search", "syslog", "users"]],
  ["organizations", ["auth", "roles", "users"]],
  ["groups", ["auth", "users", "organizations"]],
  ["idpsync", ["auth", "users", "audit", "organizations"]],
  ["signin", ["auth", "apikeys", "cryptokeys", "dbcrypt", "users", "audit", "organizations", "idpsync"]],
  ["scim", ["auth", "apikeys", "users", "organizations", "groups", "idpsync", "signin"]],
  ["proxies", ["auth", "pubsub", "users"]],
  ["provisionerjobs", ["pubsub"]],
  ["quotas", ["auth", "users", "organizations", "groups", "provisionerjobs"]],
  ["archives", ["provisionerjobs"]],
  ["provisionerdaemons", ["auth", "pubsub", "provisionerjobs"]],
  ["agents", ["auth", "connectionlog", "grants", "notifications", "pubsub", "provisionerjobs"]],
  ["activity", ["auth", "pubsub", "provisionerjobs", "agents"]],
  ["unpushedwork", ["auth", "pubsub", "users", "provisionerjobs", "agents"]],
  ["resources", ["auth", "agents"]],
  ["apps", ["auth", "apikeys", "cryptokeys", "users", "agents"]],
  ["policies", ["auth", "dbcrypt", "organizations"]],
  ["rollouts", ["auth", "audit", "provisionerjobs", "resources"]],
  [
    "templateversions",
    ["auth", "policies", "files", "parameters", "provisionerjobs", "archives", "resources", "rollouts"],
  ],
  ["evaluations", ["pubsub", "provisionerjobs", "templateversions"]],
  [
    "templates",
    ["auth", "notifications", "schedules", "provisionerjobs", "unpushedwork", "rollouts", "templateversions"],
  ],
  [
    "builds",
    [
      "auth",
      "notifications",
      "pubsub",
      "audit",
      "dbcrypt",
      "parameters",
      "policies",
      "schedules",
      "provisionerjobs",
      "quotas",
      "agents",
      "resources",
      "rollouts",
      "templateversions",
      "evaluations",
      "externalauth",
    ],
  ],
  ["prebuilds", ["auth", "notifications", "audit", "provisionerjobs", "agents", "rollouts", "builds"]],
  [
    "workspaces",
    [
      "auth",
      "search",
      "notifications",
      "pubsub",
      "parameters",
      "schedules",
      "users",
      "provisionerjobs",
      "activity",
      "unpushedwork",
      "agents",
      "resources",
      "rollouts",
      "templateversions",
      "evaluations",
      "audit",
      "templates",
      "builds",
      "prebuilds",
    ],
  ],
  ["sharing", ["auth", "users", "organizations", "groups", "templates", "workspaces"]],
  ["plans", ["auth", "pubsub", "policies", "provisionerjobs", "templateversions", "builds"]],
  ["insights", ["auth", "schedules", "provisionerjobs"]],
  ["metrics", ["auth", "provisionerjobs", "agents", "prebuilds", "insights"]],
  ["deployment", ["provisionerjobs", "provisionerdaemons", "proxies"]],
  ["oauth2", ["auth", "apikeys", "deployment"]],
  ["jobs", ["agents", "archives", "grants", "oauth2"]],
];

/** The modules of the dashboard, from the bottom up, in the same way. Every module knows `api`, `ui` and `paths.ts`. */
const MODULES = [
  ["ui", []],
  ["code", []],
  ["format", []],
  ["icons", []],
  ["markdown", []],
  ["theme", []],
  ["terminal", []],
  ["logs", []],
  ["session", []],
  ["shell", ["session", "theme", "markdown", "format"]],
  ["parameters", ["icons", "markdown"]],
  ["users", ["format", "session"]],
  ["builds", ["format", "logs"]],
  ["agents", ["format", "icons", "markdown", "logs", "session"]],
  ["admin", ["builds", "format", "session"]],
  ["templates", ["code", "format", "icons", "markdown", "builds"]],
  ["workspaces", ["format", "icons", "markdown", "session", "parameters", "builds", "agents"]],
];
for (const table of [NOUNS, MODULES]) {
  table.forEach(([noun, knows], row) => {
    const above = table.slice(0, row).map(([name]) => name);
    const wrong = knows.find((name) => !above.includes(name));
    if (wrong)
      throw new Error(`Layer table: "${noun}" may not know "${wrong}", which does not stand above it.`);
  });
}

const SERVICES = ["coderd", "provisionerd", "proxy", "agent", "cli"];
const LIBRARIES = Object.keys(PACKAGES).filter((name) => name !== "testkit");
const TEST = "(\\.test\\.tsx?$|/testing/|/fixtures/)";
const any = (names) => `(${names.join("|")})`;

const CODERD = "^services/coderd/src";
const ALL_NOUNS = any(NOUNS.map(([noun]) => noun));
/** Beside the folders: what all nouns stand on. The others there put the nouns together. */
const FOUNDATIONS = `${CODERD}/(config|config-notifications|outage|platform|redis)\\.ts$`;

const DASHBOARD = "^services/dashboard/src";
const withinDashboard = [
  // virtual:routes is the contract's, made by vite.config.ts.
  { from: { path: `${DASHBOARD}/api/` }, to: { path: [`${DASHBOARD}/api/`, "^virtual:routes$"] } },
  {
    from: { path: `${DASHBOARD}/modules/([^/]+)/` },
    to: { path: [`${DASHBOARD}/modules/($1|ui)/`, `${DASHBOARD}/api/`, `${DASHBOARD}/paths\\.ts$`] },
  },
  ...MODULES.filter(([, knows]) => knows.length > 0).map(([name, knows]) => ({
    from: { path: `${DASHBOARD}/modules/${name}/` },
    to: { path: `${DASHBOARD}/modules/${any(knows)}/` },
  })),
  { from: { path: `${DASHBOARD}.*${TEST}` }, to: { path: DASHBOARD } },
];

const withinSelf = {
  from: {
    path: "^(packages|services)/([^/]+)/",
    pathNot: [`${CODERD}/[^/]+/`, `${DASHBOARD}/(api|modules)/`],
  },
  to: { path: "^$1/$2/" },
};
const withinCoderd = [
  {
    from: { path: `${CODERD}/([^/]+)/` },
    to: { path: [`${CODERD}/$1/`, `${CODERD}/database/`, FOUNDATIONS] },
  },
  ...NOUNS.filter(([, knows]) => knows.length > 0).map(([noun, knows]) => ({
    from: { path: `${CODERD}/${noun}/` },
    to: { path: `${CODERD}/${any(knows)}/` },
  })),
  { from: { path: `${CODERD}/(convert|http|rpc)/` }, to: { path: `${CODERD}/(convert|${ALL_NOUNS})/` } },
  { from: { path: `${CODERD}/(http|rpc)/` }, to: { path: `${CODERD}/(domain|job-kinds)\\.ts$` } },
  { from: { path: `${CODERD}.*${TEST}` }, to: { path: CODERD } },
];
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
      comment:
        "Inside coderd, stores and the SQL conditions that they share see the database; all else goes through a store.",
      severity: "error",
      from: {
        path: "^services/coderd/src/[^/]+/",
        pathNot: `^services/coderd/src/database/|[/-](store|predicates|statements)\\.ts$|${TEST}`,
      },
      to: { path: "^services/coderd/src/database/(client|hot|gen/(?!enums))" },
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
    ...withinCoderd,
    ...withinDashboard,
    ...packageRows,
    { from: { path: `^services/${any(SERVICES)}/` }, to: { path: `^packages/${any(LIBRARIES)}/src/` } },
    { from: { path: "^services/dashboard/" }, to: { path: "^packages/(parameters|sdk)/src/" } },
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
