import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { access, constants, lstat, mkdir, readdir, readlink, rename, symlink } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { FleetError } from "@fleet/base";
import { Command, Option } from "commander";
import type { Context } from "../../context.js";
import { askConsent } from "../../ui/prompt.js";

type Options = { symlinkDir?: string; branch?: string; repoDir: string; yes?: boolean };

/** Scripts that set a repository up, in the order in which they are looked for. */
const SCRIPTS = [
  ...["install.sh", "install", "bootstrap.sh", "bootstrap", "script/bootstrap"],
  ...["setup.sh", "setup", "script/setup"],
];

export function dotfilesCommand(context: Context): Command {
  return new Command("dotfiles")
    .description(
      "Bring your dotfiles into this workspace: clone a repository, then run its install script or link its files",
    )
    .argument("<git-url>")
    .addOption(
      new Option("--symlink-dir <folder>", "folder to link into; the home when left out").env(
        "CODER_SYMLINK_DIR",
      ),
    )
    .option("-b, --branch <name>", "branch to use")
    .addOption(
      new Option("--repo-dir <name>", "folder of the clone, below the configuration's")
        .env("CODER_DOTFILES_REPO_DIR")
        .default("dotfiles"),
    )
    .option("-y, --yes", "do not ask")
    .action((url: string, options: Options) => dotfiles(context, url, options));
}

async function dotfiles(context: Context, url: string, options: Options): Promise<void> {
  const folder = resolve(context.config.path, options.repoDir);
  await askConsent(context, `Bring the dotfiles of ${url} into this home?`, options.yes);
  await mkdir(dirname(folder), { recursive: true });
  if (existsSync(join(folder, ".git"))) {
    await run("git", ["-C", folder, "pull", "--ff-only"]);
  } else {
    await run("git", ["clone", "--", url, folder]);
  }
  if (options.branch) await run("git", ["-C", folder, "checkout", options.branch]);

  const script = SCRIPTS.find((name) => existsSync(join(folder, name)));
  if (script) {
    await askConsent(context, `Run its ${script}?`, options.yes);
    const path = join(folder, script);
    await access(path, constants.X_OK).catch((cause) => {
      throw new FleetError(
        "failed_precondition",
        `${script} cannot be run. Make it executable: chmod +x ${script}`,
        {
          cause,
        },
      );
    });
    await run(path, [], folder);
    return context.note("Your dotfiles are set up.");
  }
  const target = resolve(options.symlinkDir ?? homedir());
  await askConsent(context, `Link its files into ${target}?`, options.yes);
  await link(context, folder, target);
  context.note("Your dotfiles are linked.");
}

/** Links every dotfile; what is in its place is kept under a name with `.bak`. */
async function link(context: Context, from: string, to: string): Promise<void> {
  const names = (await readdir(from)).filter((name) => name.startsWith(".") && name !== ".git");
  if (names.length === 0) {
    throw new FleetError("failed_precondition", "The repository has neither an install script nor dotfiles.");
  }
  await mkdir(to, { recursive: true });
  for (const name of names) {
    const source = join(from, name);
    const target = join(to, name);
    const there = await lstat(target).catch(() => undefined);
    if (there?.isSymbolicLink() && (await readlink(target)) === source) continue;
    if (there) {
      await rename(target, `${target}.bak`);
      context.note(`${target} is kept as ${name}.bak.`);
    }
    await symlink(source, target);
  }
}

async function run(command: string, args: string[], cwd?: string): Promise<void> {
  const child = spawn(command, args, { cwd, stdio: "inherit" });
  const failed = new Promise<never>((_, reject) => {
    child.once("error", (cause) =>
      reject(
        new FleetError("failed_precondition", `${command} could not be run: ${cause.message}.`, { cause }),
      ),
    );
  });
  const [code] = (await Promise.race([once(child, "close"), failed])) as [number | null];
  if (code !== 0) throw new FleetError("failed_precondition", `${command} ended with status ${code}.`);
}
