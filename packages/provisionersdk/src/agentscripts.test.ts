import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { AGENT_PLATFORMS, agentScript } from "./agentscripts.js";

test.each(AGENT_PLATFORMS)("the script for %j contains only the provider's placeholders", (platform) => {
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

test("the agent replaces the shell, so that it receives a container's stop signal", () => {
  const dir = mkdtempSync(join(tmpdir(), "agentscript-"));
  try {
    const agent = 'echo "pid=$$ args=$* url=$CODER_AGENT_URL"';
    const curl = `for last; do :; done\nprintf '#!/bin/sh\\n%s\\n' '${agent}' > "$last"\n`;
    writeFileSync(join(dir, "curl"), `#!/bin/sh\n${curl}`, { mode: 0o755 });
    const placeholders = { ACCESS_URL: "https://coder.test/", AUTH_TYPE: "token" };
    const script = agentScript({ os: "linux", arch: "amd64" });
    const { pid, stdout } = spawnSync("sh", ["-c", script], {
      env: { ...placeholders, PATH: [dir, process.env.PATH].join(delimiter), BINARY_DIR: dir },
      encoding: "utf8",
      timeout: 10_000,
    });
    expect(stdout).toBe(`pid=${pid} args=agent url=https://coder.test/\n`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
