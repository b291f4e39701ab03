import { execFileSync } from "node:child_process";
import { chmod, lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createTestCli, type TestCli } from "../../testing/run.js";

let cli: TestCli;
let home: string;
/** Inside the home directory, below `.config`, as by default. */
let config: string;
beforeEach(async () => {
  cli = await createTestCli();
  home = join(cli.folder, "home");
  config = join(home, ".config/coderv2");
  await mkdir(home);
});
afterEach(() => cli[Symbol.asyncDispose]());

const git = (folder: string, ...args: string[]) =>
  execFileSync("git", ["-C", folder, "-c", "user.name=a", "-c", "user.email=a@b", ...args], {
    stdio: "pipe",
  });

/** Creates a repository with these files, and returns its clone URL. */
async function repository(files: Record<string, string>, name = "repository"): Promise<string> {
  const folder = join(cli.folder, name);
  await mkdir(folder, { recursive: true });
  git(folder, "init", "-q", "-b", "main");
  await commit(folder, files);
  return folder;
}

async function commit(folder: string, files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
    if (content.startsWith("#!")) await chmod(join(folder, path), 0o755);
  }
  git(folder, "add", "-A");
  git(folder, "commit", "-q", "-m", "files");
}

const dotfiles = (url: string, ...args: string[]) =>
  cli.run(["--global-config", config, "dotfiles", url, "--symlink-dir", home, "-y", ...args]);
const read = (path: string) => readFile(join(home, path), "utf8");

test("an existing folder is kept, and its files are linked", async () => {
  const url = await repository({
    ".config/app/settings": "mine",
    ".config/coderv2/note": "n",
    ".bashrc": "rc",
  });
  await mkdir(join(home, ".config/app"), { recursive: true });
  await writeFile(join(home, ".config/app/other"), "kept");
  expect(await dotfiles(url)).toMatchObject({ status: 0 });
  expect((await lstat(join(home, ".config"))).isDirectory()).toBe(true);
  expect(await read(".config/app/settings")).toBe("mine");
  expect(await read(".config/app/other")).toBe("kept");
  expect(await readlink(join(home, ".bashrc"))).toBe(join(config, "dotfiles/.bashrc"));

  await commit(url, { ".bashrc": "newer" });
  const again = await dotfiles(url);
  expect(again).toMatchObject({ status: 0 });
  expect(again.stderr).not.toContain("Moved");
  expect(await read(".bashrc")).toBe("newer");
});

test("existing files are moved aside, and no backup is overwritten", async () => {
  const url = await repository({ ".bashrc": "theirs", ".vim/rc": "v" });
  await writeFile(join(home, ".bashrc"), "first");
  await writeFile(join(home, ".bashrc.bak"), "older");
  await symlink("/nowhere", join(home, ".vim"));
  const { stderr } = await dotfiles(url);
  expect(await read(".bashrc")).toBe("theirs");
  expect(await read(".bashrc.bak")).toBe("older");
  expect(await read(".bashrc.bak2")).toBe("first");
  expect(await readlink(join(home, ".vim.bak"))).toBe("/nowhere");
  expect(stderr).toContain(`Moved ${home}/.bashrc to ${home}/.bashrc.bak2.`);
});

test("a file in place of the parent folder is rejected", async () => {
  const { status, stderr } = await dotfiles(await repository({ ".config": "a file" }));
  expect(status).toBe(1);
  expect(stderr).toContain("it holds the clone of your dotfiles");
  expect((await lstat(join(home, ".config"))).isDirectory()).toBe(true);
});

test("the repository's own files are not linked, and neither is a folder named like a script run", async () => {
  const url = await repository({ ".gitignore": "", ".github/x": "", "install/readme": "", ".profile": "p" });
  expect(await dotfiles(url)).toMatchObject({ status: 0 });
  expect((await readdir(home)).sort()).toEqual([".config", ".profile"]);
});

test("an install script of the requested branch is run instead", async () => {
  const url = await repository({ "install.sh": "#!/bin/sh\nexit 3\n" });
  expect(await dotfiles(url)).toMatchObject({ status: 1 });
  git(url, "checkout", "-q", "-b", "work");
  await commit(url, { "install.sh": `#!/bin/sh\npwd > '${home}/ran'\n` });
  git(url, "checkout", "-q", "main");
  expect(await dotfiles(url, "--branch", "work")).toMatchObject({ status: 0 });
  expect(await read("ran")).toBe(`${config}/dotfiles\n`);
});

test("a clone of another repository is moved aside", async () => {
  await dotfiles(await repository({ ".one": "1" }));
  expect(await dotfiles(await repository({ ".two": "2" }, "second"))).toMatchObject({ status: 0 });
  expect(await read(".two")).toBe("2");
  expect(await readFile(join(config, "dotfiles.bak/.one"), "utf8")).toBe("1");
});

test("without a terminal and without --yes, nothing is done", async () => {
  const url = await repository({ ".one": "1" });
  const { status, stderr } = await cli.run(["--global-config", config, "dotfiles", url]);
  expect(status).toBe(1);
  expect(stderr).toContain("--yes");
  expect(await readdir(home)).toEqual([]);
});
