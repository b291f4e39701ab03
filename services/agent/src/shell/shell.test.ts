import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { systemClock } from "@fleet/base";
import { GetManifestResponseSchema } from "@fleet/proto-gen/agent";
import { spawnTerminal } from "../pty/terminal.js";
import { waitFor } from "../testing/wait.js";
import { loginShell, shellCommand } from "./command.js";
import { expandPath, workspaceEnvironment } from "./environment.js";
import { createOwnCommand, keepOnPath } from "./own-command.js";
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
      },
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
