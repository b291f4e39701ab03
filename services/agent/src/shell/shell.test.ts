import { spawnSync } from "node:child_process";
import { create } from "@bufbuild/protobuf";
import { GetManifestResponseSchema } from "@fleet/proto-gen/agent";
import { loginShell, shellCommand } from "./command.js";
import { expandPath, workspaceEnvironment } from "./environment.js";
import { keepOnPath } from "./own-command.js";
import { currentUser } from "./user.js";

test("a text runs in the shell, or in the interpreter that it names", () => {
  expect(shellCommand("/bin/bash", "echo")).toEqual({ file: "/bin/bash", args: ["-c", "echo"] });
  expect(shellCommand("/bin/sh", "#!/usr/bin/env python3\nx")).toEqual({
    file: "python3",
    args: ["-c", "#!/usr/bin/env python3\nx"],
  });
  expect(shellCommand("/bin/sh", "#!/bin/bash -e\nx")).toEqual({
    file: "/bin/bash",
    args: ["-e", "-c", "#!/bin/bash -e\nx"],
  });
  expect(shellCommand("powershell.exe", "dir").args).toEqual(["-NoProfile", "-Command", "dir"]);
  expect(loginShell("/bin/bash")).toEqual({ file: "/bin/bash", args: ["-l"] });
});

test("the template's variables may use what is there, and come last", () => {
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
    coder: { folder: "/tmp/a b", file: "/tmp/a b/coder" },
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

test("a login shell whose profile sets PATH anew has its folder first again, once", () => {
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

test("the home is the environment's", () => {
  expect(currentUser({ HOME: "/some/where" }, "linux").home).toBe("/some/where");
});
