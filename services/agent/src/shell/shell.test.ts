import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { nullLogger, systemClock } from "@fleet/base";
import { GetManifestResponseSchema } from "@fleet/proto-gen/agent";
import { spawnTerminal } from "../pty/terminal.js";
import { waitFor } from "../testing/wait.js";
import { loginShell, shellCommand } from "./command.js";
import { expandPath, workspaceEnvironment } from "./environment.js";
import { createOwnCommand, keepOnPath } from "./own-command.js";
import { writeSecretFiles } from "./secret-files.js";
import { currentUser } from "./user.js";

test("a script runs in the shell", () => {
  expect(shellCommand("/bin/bash", "#!/bin/sh\necho")).toEqual({
    file: "/bin/bash",
    args: ["-c", "#!/bin/sh\necho"],
  });
  expect(shellCommand("powershell.exe", "dir").args).toEqual(["-NoProfile", "-Command", "dir"]);
  expect(loginShell("/bin/bash")).toEqual({ file: "/bin/bash", args: ["-l"] });
});

test("the template's variables can refer to existing ones, and win", () => {
  const env = workspaceEnvironment({
    base: { PATH: "/bin", HOME: "/elsewhere", EXTRA: "1" },
    manifest: create(GetManifestResponseSchema, {
      workspaceName: "ws",
      vscodePortProxyUri: "https://{{port}}--x",
      externalAuthCount: 1,
      environmentVariables: {
        GOPATH: "$HOME/go",
        PATH: "/own:$PATH",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's braces, as templates have them.
        EMPTY: "${NO_SUCH}",
        CODER: "overridden",
        TOKEN: "the template's",
      },
      userSecrets: [
        { envName: "TOKEN", filePath: "", value: "a$HOME" },
        { envName: "", filePath: "~/x", value: "in a file only" },
      ],
    }),
    user: { name: "ana", home: "/home/ana", shell: "/bin/bash" },
    agentUrl: "https://coder",
    agentToken: "t",
    scriptBinDir: "/tmp/bin",
    coder: { folder: "/tmp/a b", file: "/tmp/a b/coder", profile: "/tmp/profile" },
  });
  expect(env).toMatchObject({
    GOPATH: "/home/ana/go",
    PATH: "/own:/tmp/a b:/bin:/tmp/bin",
    GIT_SSH_COMMAND: "'/tmp/a b/coder' gitssh --",
    GIT_ASKPASS: "/tmp/a b/coder",
    EMPTY: "",
    CODER: "overridden",
    EXTRA: "1",
    TOKEN: "a$HOME",
    USER: "ana",
    VSCODE_PROXY_URI: "https://{{port}}--x",
  });
});

test("the folder is first on PATH, once, even if the login profile resets PATH", () => {
  const text = `PATH=/bin; for each in 1 2; do eval "$PROMPT_COMMAND"; done; echo "$PATH"`;
  const shell = spawnSync("/bin/bash", ["--norc", "-c", text], {
    encoding: "utf8",
    env: { PROMPT_COMMAND: keepOnPath("/tmp/a b's") },
  });
  expect(shell).toMatchObject({ stdout: "/tmp/a b's:/bin\n", stderr: "" });
});

test("paths start at home unless they are absolute", () => {
  const expand = (path: string) => expandPath(path, { HOME: "/home/ana", SUB: "x" }, "/home/ana");
  expect(["~", "~/a", "$HOME/b", "c/$SUB", "/d"].map(expand)).toEqual([
    "/home/ana",
    "/home/ana/a",
    "/home/ana/b",
    "/home/ana/c/x",
    "/d",
  ]);
});

test("the home folder is $HOME, unless that is empty", () => {
  expect(currentUser({ HOME: "/some/where" }, "linux").home).toBe("/some/where");
  expect(currentUser({ HOME: "" }, "linux").home).toBe(userInfo().homedir);
});

/** By name: the program, and the name that a passwd file has for it. */
const LOGIN_SHELLS: [title: string, program: string, name: string][] = [
  ["sh", "/bin/sh", "sh"],
  ["dash", "/usr/bin/dash", "dash"],
  ["bash", "/bin/bash", "bash"],
  ["bash as sh", "/bin/bash", "sh"],
  ["busybox's ash", "/usr/bin/busybox", "ash"],
  ["zsh", "/usr/bin/zsh", "zsh"],
  ["fish", "/usr/bin/fish", "fish"],
];
const installed = LOGIN_SHELLS.filter(([, program]) => existsSync(program));

test.each(installed)("`coder` is on PATH in a login shell of %s", async (_title, program, name) => {
  const home = mkdtempSync(join(tmpdir(), "agent-shell-"));
  const file = join(home, name);
  symlinkSync(program, file);
  const coder = createOwnCommand(home, { execPath: process.execPath, script: undefined });
  const env = workspaceEnvironment({
    base: { PATH: process.env.PATH },
    manifest: create(GetManifestResponseSchema, { environmentVariables: { ENV: join(home, "own") } }),
    user: { name: "ana", home, shell: file },
    agentUrl: "https://coder",
    agentToken: "t",
    scriptBinDir: "/tmp/bin",
    coder,
  });
  writeFileSync(join(home, "own"), "OWN=read\n");
  // As Debian's and Alpine's /etc/profile do.
  for (const profile of [".profile", ".bash_profile"]) {
    writeFileSync(join(home, profile), "PATH=/usr/local/bin:/usr/bin:/bin\nexport PATH\n");
  }
  const terminal = spawnTerminal({
    ...loginShell(file),
    cwd: home,
    env: { ...env, TERM: "dumb" },
    size: { cols: 200, rows: 24 },
    clock: systemClock,
  });
  let screen = "";
  terminal.io.on("data", (chunk: Buffer) => {
    screen += chunk;
    // fish asks the terminal what it is, and waits for the answer.
    if (String(chunk).includes("\x1b[c")) terminal.io.write("\x1b[?1;2c");
  });
  await waitFor(() => screen !== "");
  terminal.io.write("command -v coder; echo over; exit\r");
  await waitFor(() => screen.includes(coder.file));
  terminal.kill();
  coder.remove();
  expect(existsSync(coder.folder)).toBe(false);
});

test("the file that a template named by ENV is still read by sh", () => {
  const home = mkdtempSync(join(tmpdir(), "agent-shell-"));
  const coder = createOwnCommand(home, { execPath: process.execPath, script: undefined });
  writeFileSync(join(home, "own"), "OWN=read\n");
  const { stdout } = spawnSync("/bin/sh", ["-i", "-c", 'echo "$OWN:$PATH"'], {
    encoding: "utf8",
    env: { PATH: "/bin", ENV: coder.profile, CODER_SHELL_ENV: join(home, "own") },
  });
  expect(stdout).toBe(`read:${coder.folder}:/bin\n`);
  coder.remove();
});

test("secrets are written to files that only the user can read; one that cannot be written stops nothing", async () => {
  const home = await mkdtemp(join(tmpdir(), "coder-secrets-"));
  await writeFile(join(home, "taken"), "");
  await chmod(join(home, "taken"), 0o644);
  const errors: unknown[] = [];
  const logger = { ...nullLogger, error: (_: string, fields?: object) => void errors.push(fields) };
  const { userSecrets } = create(GetManifestResponseSchema, {
    userSecrets: [
      { filePath: "~/taken/impossible", value: "1" },
      { filePath: "~/.config/tool/token", value: "two" },
      { filePath: join(home, "taken"), value: "three" },
      { envName: "ONLY", value: "four" },
    ],
  });
  await writeSecretFiles(userSecrets, { home, logger });
  const file = join(home, ".config/tool/token");
  expect(await readFile(file, "utf8")).toBe("two");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readFile(join(home, "taken"), "utf8")).toBe("three");
  expect((await stat(join(home, "taken"))).mode & 0o777).toBe(0o644);
  expect(errors).toEqual([expect.objectContaining({ path: join(home, "taken/impossible") })]);
  await rm(home, { recursive: true });
});
