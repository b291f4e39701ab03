import base from "../jest.config.js";

/** Scenarios drive real processes one after another, and each brings its own fleet. */
const { globalSetup: _setup, globalTeardown: _teardown, setupFilesAfterEnv: _after, ...shared } = base;

/** @type {import("jest").Config} */
export default {
  ...shared,
  rootDir: "..",
  testMatch: ["<rootDir>/e2e/**/*.test.ts"],
  testTimeout: 180_000,
};
