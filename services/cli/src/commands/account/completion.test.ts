import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { startDeployment } from "../../testing/deployment.js";
import { template, workspace } from "../../testing/objects.js";
import { spawnableCli } from "../../testing/process.js";
import { createTestCli, type TestCli } from "../../testing/run.js";

const run = promisify(execFile);

let cli: TestCli;
beforeEach(async () => {
  cli = await createTestCli();
});
afterEach(() => cli[Symbol.asyncDispose]());

async function complete(url: string, ...words: string[]): Promise<string[]> {
  const { stdout } = await cli.run(["--url", url, "--token", "t", "__complete", "--", ...words]);
  return stdout.split("\n").flatMap((line) => (line ? [line.split("\t", 1)[0]!] : []));
}

const start = () =>
  startDeployment({
    workspaceList: ({ query }) => {
      const owner = /owner:(\S+)/.exec(query.get("q") ?? "")?.[1];
      const names = owner === "me" ? ["dev", "data"] : ["theirs"];
      const workspaces = names.map((name) =>
        workspace({ name, owner_name: owner === "me" ? "ana" : owner! }),
      );
      return { workspaces, count: workspaces.length };
    },
    templateList: () => [template({ name: "docker" }), template({ name: "k8s" })],
  });

test("commands, flags, their values, and names of the deployment are completed", async () => {
  await using deployment = await start();
  const fit = (...words: string[]) => complete(deployment.url, ...words);
  expect(await fit("sch")).toEqual(["schedule"]);
  expect(await fit("schedule", "s")).toEqual(["show", "start", "stop"]);
  expect(await fit("schedule", "show", "--sea")).toEqual(["--search"]);
  expect(await fit("list", "--output", "")).toEqual(["table", "json"]);
  expect(await fit("list", "--output=j")).toEqual(["--output=json"]);
  // As Bash splits it.
  expect(await fit("list", "--output", "=", "j")).toEqual(["json"]);
  expect(await fit("ssh", "d")).toEqual(["dev", "data"]);
  expect(await fit("--url", "x", "ssh", "--wait", "yes", "de")).toEqual(["dev"]);
  expect(await fit("stop", "bob/")).toEqual(["bob/theirs"]);
  expect(await fit("create", "--template", "")).toEqual(["docker", "k8s"]);
  expect(await fit("templates", "edit", "k")).toEqual(["k8s"]);
  expect(await fit("dotfiles", "htt")).toEqual([]);
});

test("a deployment that does not answer leaves the line as it is, without an error", async () => {
  const silent = await cli.run([
    "--url",
    "http://127.0.0.1:9",
    "--token",
    "t",
    "__complete",
    "--",
    "ssh",
    "",
  ]);
  expect(silent).toEqual({ status: 0, stdout: "", stderr: "" });
});

/** Writes an executable `coder` that runs this command line. */
async function installCoder(url: string): Promise<string> {
  const bin = join(cli.folder, "bin");
  await mkdir(bin);
  const { command, args } = spawnableCli(["--url", url, "--token", "t"], cli.folder);
  const words = [command, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  await writeFile(join(bin, "coder"), `#!/bin/sh\nexec ${words} "$@"\n`);
  await chmod(join(bin, "coder"), 0o755);
  return bin;
}

// What a shell offers for `coder ssh d`, with its own completion code.
const OFFERS: [shell: string, act: string][] = [
  ["bash", `COMP_WORDS=(coder ssh d); COMP_CWORD=2; _coder; printf "%s\\n" "\${COMPREPLY[@]}"`],
  [
    "zsh",
    `compdef() { :; }; _describe() { print -l \${found%%:*}; }; words=(coder ssh d); CURRENT=3; _coder`,
  ],
  ["fish", "complete -C 'coder ssh d' | string split -f1 \\t"],
];
const installed = OFFERS.filter(([shell]) => existsSync(`/bin/${shell}`) || existsSync(`/usr/bin/${shell}`));

test.each(installed)("%s completes names with the printed script", async (shell, act) => {
  await using deployment = await start();
  const bin = await installCoder(deployment.url);
  const { stdout: script } = await cli.run(["completion", shell]);
  const head = shell === "zsh" ? "compdef() { :; }; functions[compdef]=':'\n" : "";
  const env = { HOME: cli.folder, PATH: `${bin}:${process.env.PATH}` };
  const { stdout } = await run(shell, ["-c", `${head}${script}${act}`], { env });
  expect(stdout.trim().split("\n").sort()).toEqual(["data", "dev"]);
});

test("completion installs itself once, and keeps what the file holds", async () => {
  const file = join(cli.folder, ".bashrc");
  await writeFile(file, "alias ll='ls -l'");
  const first = await cli.run(["completion", "--shell", "bash"]);
  expect(first.stderr).toBe(`Set up completion in ${file}. To use it in this session: source ${file}\n`);
  const written = await readFile(file, "utf8");
  expect(written).toMatch(/^alias ll='ls -l'\n# >>> coder completion >>>\n.*coder completion bash\)\n# <<</);
  expect((await cli.run(["completion", "--shell", "bash"])).stderr).toContain("already set up");
  expect(await readFile(file, "utf8")).toBe(written);
});

test("without a known shell, the flag to pass is named", async () => {
  const { status, stderr } = await cli.run(["completion"]);
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringContaining("Pass --shell with one of: bash"),
  });
});
