import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "./config.js";

const ENV = { CODER_AGENT_URL: "https://coder.example.com/", CODER_AGENT_TOKEN: "t" };

test("variables and their defaults", () => {
  expect(readConfig([], ENV)).toEqual({
    accessUrl: "https://coder.example.com/",
    auth: "token",
    token: "t",
    logDir: tmpdir(),
    scriptDataDir: tmpdir(),
    sshMaxTimeoutMs: 72 * 3_600_000,
    blockFileTransfer: false,
    reap: true,
    subsystems: [],
    devcontainers: { enabled: true, discovery: true, autostart: false },
    exitWithInput: false,
  });
});

test("flags take precedence over variables, and unknown ones are ignored", () => {
  const flags = ["--no-reap", "--log-dir=/var/log", "--ssh-max-timeout", "1h30m", "--pprof-address", "x"];
  expect(readConfig(flags, { ...ENV, CODER_AGENT_LOG_DIR: "/other" })).toMatchObject({
    reap: false,
    logDir: "/var/log",
    sshMaxTimeoutMs: 5_400_000,
  });
});

test("the token can be read from a file", () => {
  const file = join(mkdtempSync(join(tmpdir(), "agent-config-")), "token");
  writeFileSync(file, "from-file\n");
  const env = { CODER_AGENT_URL: ENV.CODER_AGENT_URL, CODER_AGENT_TOKEN_FILE: file };
  expect(readConfig([], env).token).toBe("from-file");
  expect(() => readConfig([], { ...env, CODER_AGENT_TOKEN_FILE: "/no/such" })).toThrow(
    "Cannot read the token file",
  );
});

test("an agent that authenticates by its cloud instance needs no token", () => {
  const config = readConfig(["--auth", "aws-instance-identity"], { CODER_AGENT_URL: ENV.CODER_AGENT_URL });
  expect(config).toMatchObject({ auth: "aws-instance-identity", token: "" });
});

test("each invalid setting is named, with advice", () => {
  expect(() => readConfig([], { CODER_AGENT_URL: ENV.CODER_AGENT_URL })).toThrow(/Set CODER_AGENT_TOKEN/);
  const wrong = { ...ENV, CODER_AGENT_SSH_MAX_TIMEOUT: "soon", CODER_AGENT_AUTH: "password" };
  expect(() => readConfig([], wrong)).toThrow(
    /CODER_AGENT_AUTH: must be one of: token.*CODER_AGENT_SSH_MAX_TIMEOUT.*"soon"/,
  );
});
