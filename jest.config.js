/** @type {import("jest").Config} */
export default {
  testEnvironment: "node",
  testMatch: ["<rootDir>/{packages,services,scripts}/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", "/gen/", "/dist/"],
  extensionsToTreatAsEsm: [".ts"],
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": "$1" },
  transform: {
    "^.+\\.tsx?$": [
      "@swc/jest",
      {
        jsc: { parser: { syntax: "typescript", tsx: true }, target: "es2024", transform: { react: { runtime: "automatic" } } },
        module: { type: "es6" },
        sourceMaps: "inline",
      },
    ],
  },
  maxWorkers: 2,
  testTimeout: 30_000,
};
