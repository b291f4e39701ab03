import base from "../jest.config.js";

/** Scenarios run real processes one at a time, each with its own fleet. */
const { globalSetup: _setup, globalTeardown: _teardown, setupFilesAfterEnv: _after, ...shared } = base;

/** @type {import("jest").Config} */
export default {
  ...shared,
  rootDir: "..",
  testMatch: ["<rootDir>/e2e/**/*.test.ts"],
  // `front` waits for other programs' timeouts and is run by `make e2e-front`, `identity` by `make e2e-identity`,
  // `devcontainers` by `make e2e-devcontainers`, and `ssh` by `make e2e-ssh`.
  testPathIgnorePatterns: [
    ...shared.testPathIgnorePatterns,
    ...(process.env.E2E_FRONT ? [] : ["/e2e/front/"]),
    ...(process.env.E2E_IDENTITY ? [] : ["/e2e/identity/"]),
    ...(process.env.E2E_SSH ? [] : ["/e2e/ssh/"]),
    ...(process.env.E2E_DEVCONTAINERS ? [] : ["/e2e/devcontainers/"]),
  ],
  testTimeout: 180_000,
  ...(process.env.E2E_IDENTITY && {
    reporters: ["default", "<rootDir>/scripts/bench/identity-reporter.mjs"],
  }),
};
