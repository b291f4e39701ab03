import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandOf, folderOf, ownProgram } from "./own-program.js";

test("a single executable runs itself, a script runs with its Node", () => {
  expect(commandOf({ execPath: "/opt/coder", script: undefined })).toEqual(["/opt/coder"]);
  expect(commandOf({ execPath: "/bin/node", script: "/opt/coder.js" })).toEqual([
    "/bin/node",
    "/opt/coder.js",
  ]);
  expect(ownProgram().execPath).toBe(process.execPath);
});

test("files beside a program are found through a symbolic link to it", async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "own-program-")));
  await mkdir(join(folder, "release"));
  await writeFile(join(folder, "release/coder.js"), "");
  await symlink("release/coder.js", join(folder, "coder"));
  const script = join(folder, "coder");
  expect(folderOf({ execPath: "/bin/node", script })).toBe(join(folder, "release"));
  expect(folderOf({ execPath: script, script: undefined })).toBe(join(folder, "release"));
  await rm(folder, { recursive: true });
});
