import base from "../jest.config.js";

/** Scenarios drive real processes one after another, and each brings its own fleet. */
const { globalSetup: _setup, globalTeardown: _teardown, setupFilesAfterEnv: _after, ...shared } = base;

/** @type {import("jest").Config} */
export default {
  ...shared,
  rootDir: "..",
  testMatch: ["<rootDir>/e2e/**/*.test.ts"],
  // Waits for longer than the time-outs of others: `make e2e-front` runs it.
  testPathIgnorePatterns: [
    ...shared.testPathIgnorePatterns,
    ...(process.env.E2E_FRONT ? [] : ["/e2e/front/"]),
  ],
  testTimeout: 180_000,
};
