import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Deployment, startDeployment } from "../../testing/deployment.js";
import { createTestCli, type TestCli } from "../../testing/run.js";

const run = promisify(execFile);
const OTHERS = "Host other\n  User x\n";

let cli: TestCli;
let deployment: Deployment;
let file: string;
beforeEach(async () => {
  cli = await createTestCli();
  deployment = await startDeployment({
    deploymentSsh: () => ({ hostname_prefix: "coder.", hostname_suffix: "coder", ssh_config_options: {} }),
  });
  file = join(cli.folder, "ssh_config");
  await writeFile(file, OTHERS);
});
afterEach(async () => {
  await deployment[Symbol.asyncDispose]();
  await cli[Symbol.asyncDispose]();
});

const configSsh = (...args: string[]) =>
  cli.run(["--url", deployment.url, "--token", "t", "config-ssh", "--ssh-config-file", file, ...args]);
const written = () => readFile(file, "utf8");

test("-y keeps the options of earlier runs, and --remove removes the section", async () => {
  await configSsh(
    "-y",
    "--ssh-option",
    "ForwardAgent=yes,LogLevel=INFO",
    "--wait",
    "yes",
    "--disable-autostart",
  );
  await configSsh("-y", "-o", "LogLevel=DEBUG");
  const section = await written();
  for (const line of ["\tForwardAgent=yes\n", "\tLogLevel=DEBUG\n", "# :wait=yes\n"]) {
    expect(section).toContain(line);
  }
  expect(section).toMatch(/ssh --stdio --wait yes --disable-autostart --hostname-suffix coder %h/);
  expect(section).not.toContain("LogLevel=INFO");
  expect(await readFile(`${file}.coder-backup`, "utf8")).toContain("LogLevel=INFO");

  const asked = deployment.requests.length;
  expect(await configSsh("--remove")).toMatchObject({ status: 1 });
  expect(await configSsh("--remove", "--dry-run")).toMatchObject({ status: 0, stdout: OTHERS });
  expect(await configSsh("--remove", "-y")).toMatchObject({ status: 0 });
  expect(await written()).toBe(OTHERS);
  expect(deployment.requests).toHaveLength(asked);
});

test("--dry-run prints the file and changes nothing", async () => {
  const { stdout } = await configSsh("--dry-run");
  expect(stdout.startsWith(OTHERS)).toBe(true);
  expect(stdout).toContain("Host *.coder");
  expect(await written()).toBe(OTHERS);
});

test("a symbolic link stays a link, and SSH reads paths with spaces correctly", async () => {
  const real = join(cli.folder, "my own config");
  await writeFile(real, OTHERS);
  file = join(cli.folder, "link");
  await symlink(real, file);
  const folder = join(cli.folder, "my $programs");
  await mkdir(folder);
  const program = join(folder, 'co"der');
  await writeFile(program, '#!/bin/sh\nprintf "%s\\n" "$@" >&2\n');
  await chmod(program, 0o755);
  await configSsh("-y", "--coder-binary-path", program, "--hostname-suffix", "coder");
  expect(await readFile(real, "utf8")).toContain("START-CODER");
  // SSH runs the program itself, through the user's shell.
  const { stderr } = await run("ssh", ["-F", file, "-o", "BatchMode=yes", "dev.coder"]).catch(
    (error) => error,
  );
  expect(stderr).toContain("ssh\n--stdio\n--hostname-suffix\ncoder\ndev.coder\n");
});
