import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { EXECUTABLE } from "./harness/fleet.js";

test("the executable, found through PATH from another folder, is what SSH runs", async () => {
  const folder = await mkdtemp(join(tmpdir(), "coder executable "));
  await mkdir(join(folder, "bin"));
  await symlink(EXECUTABLE, join(folder, "bin/coder"));
  // Serves nothing: everything that config-ssh requests has a default.
  const deployment = createServer((_request, response) => {
    response.writeHead(404, { "Content-Type": "application/json" }).end('{"message":"Not found."}');
  }).listen(0, "127.0.0.1");
  await once(deployment, "listening");
  const url = `http://127.0.0.1:${(deployment.address() as AddressInfo).port}`;
  const env = { PATH: `${join(folder, "bin")}${delimiter}${process.env.PATH}`, HOME: folder };
  const run = async (command: string, ...args: string[]) => {
    const child = spawn(command, args, { cwd: folder, env });
    child.stdin.end();
    const [stderr] = await Promise.all([text(child.stderr), text(child.stdout), once(child, "close")]);
    return stderr;
  };

  const config = join(folder, "config");
  await run("coder", "--url", url, "--token", "t", "config-ssh", "-y", "--ssh-config-file", config);
  const [, command] = /ProxyCommand (.*) --global-config/.exec(await readFile(config, "utf8"))!;
  expect(command!.replaceAll('"', "")).toBe(EXECUTABLE);
  // It gets as far as looking for its deployment.
  expect(await run("ssh", "-F", config, "dev.coder", "true")).toContain("Not signed in to any deployment");
  expect(await run("coder", "server")).toContain("contains the command line and the agent only");

  deployment.close();
  await rm(folder, { recursive: true });
});
