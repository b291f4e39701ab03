/** @type {import("jest").Config} */
export default {
  testEnvironment: "node",
  testMatch: ["<rootDir>/{packages,services,scripts}/**/*.test.{ts,tsx}"],
  testPathIgnorePatterns: ["/node_modules/", "/gen/", "/dist/"],
  extensionsToTreatAsEsm: [".ts", ".tsx"],
  moduleNameMapper: {
    "^(\\.{1,2}/.*)\\.js$": "$1",
    // What a page looks like is no part of a unit test.
    "\\.css$": "<rootDir>/services/dashboard/src/testing/no-style.ts",
  },
  transform: {
    "^.+\\.tsx?$": [
      "@swc/jest",
      {
        jsc: {
          parser: { syntax: "typescript", tsx: true },
          target: "es2024",
          transform: { react: { runtime: "automatic" } },
        },
        module: { type: "es6" },
        sourceMaps: "inline",
      },
    ],
  },
  globalSetup: "<rootDir>/packages/testkit/src/global-setup.mjs",
  globalTeardown: "<rootDir>/packages/testkit/src/global-teardown.mjs",
  setupFilesAfterEnv: ["<rootDir>/packages/testkit/src/jest-setup.ts"],
  maxWorkers: 2,
  // With ES modules, jest keeps some 20 MB of each suite that a worker has run: a fresh worker then, before its heap is full.
  workerIdleMemoryLimit: "1.5GB",
  testTimeout: 30_000,
};
