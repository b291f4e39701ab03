import base from "../jest.config.js";

/** Scenarios run real processes one at a time, each with its own fleet. */
const { globalSetup: _setup, globalTeardown: _teardown, setupFilesAfterEnv: _after, ...shared } = base;

/** @type {import("jest").Config} */
export default {
  ...shared,
  rootDir: "..",
  testMatch: ["<rootDir>/e2e/**/*.test.ts"],
  // Waits for other programs' timeouts; run by `make e2e-front`.
  testPathIgnorePatterns: [
    ...shared.testPathIgnorePatterns,
    ...(process.env.E2E_FRONT ? [] : ["/e2e/front/"]),
  ],
  testTimeout: 180_000,
};
