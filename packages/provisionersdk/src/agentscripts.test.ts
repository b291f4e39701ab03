import { spawnSync } from "node:child_process";
import { AGENT_PLATFORMS, agentScript } from "./agentscripts.js";

test.each(AGENT_PLATFORMS)("the script for %j leaves the provider's placeholders only", (platform) => {
  const script = agentScript(platform);
  expect(script).toContain(`bin/coder-${platform.os}-${platform.arch}`);
  expect(script).not.toMatch(/\$\{ARCH\}/);
  expect(script.match(/\$\{ACCESS_URL\}/g)).toHaveLength(2);
  expect(script.match(/\$\{AUTH_TYPE\}/g)).toHaveLength(1);
});

test.each(["linux", "darwin"] as const)("the %s script is one that sh can read", (os) => {
  const { status, stderr } = spawnSync("sh", ["-n"], { input: agentScript({ os, arch: "amd64" }) });
  expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: "" });
});
