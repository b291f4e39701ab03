import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { access, constants, mkdir, rename, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { FleetError } from "@fleet/base";
import { Command, Option } from "commander";
import type { Context } from "../../context.js";
import { askConsent } from "../../ui/prompt.js";
import { dotfilesIn, freeName, linkFiles } from "./link-files.js";

type Options = { symlinkDir?: string; branch?: string; repoDir: string; yes?: boolean };

const output = promisify(execFile);

/** Install scripts, in order of preference. */
const SCRIPTS = [
  ...["install.sh", "install", "bootstrap.sh", "bootstrap", "script/bootstrap"],
  ...["setup.sh", "setup", "script/setup"],
];

export function dotfilesCommand(context: Context): Command {
  return new Command("dotfiles")
    .summary("Personalize the workspace from a dotfiles repository")
    .description(
      "Personalize the workspace from a dotfiles repository: clone it, then run its install script or, without one, link its files into the home directory",
    )
    .argument("<git-url>", "Git URL of the repository")
    .addOption(
      new Option("--symlink-dir <dir>", "Directory to link the files into (default: the home directory)").env(
        "CODER_SYMLINK_DIR",
      ),
    )
    .option("-b, --branch <name>", "Branch to check out")
    .addOption(
      new Option("--repo-dir <dir>", "Directory of the clone, relative to the configuration directory")
        .env("CODER_DOTFILES_REPO_DIR")
        .default("dotfiles"),
    )
    .option("-y, --yes", "Do not ask for confirmation")
    .action((url: string, options: Options) => dotfiles(context, url, options));
}

async function dotfiles(context: Context, url: string, options: Options): Promise<void> {
  if (options.branch?.startsWith("-")) {
    throw new FleetError("invalid_argument", `"${options.branch}" is not a valid branch name.`);
  }
  const folder = resolve(context.config.path, options.repoDir);
  await askConsent(context, `Set up the dotfiles of ${url} here?`, options.yes);
  await fetchRepository(context, url, folder, options);

  const script = await findScript(folder);
  if (script) {
    await askConsent(context, `Run ${script} of the repository?`, options.yes);
    await run(context, join(folder, script), [], folder);
    return context.note("Dotfiles installed.");
  }
  const names = await dotfilesIn(folder);
  if (names.length === 0) {
    throw new FleetError(
      "failed_precondition",
      `The repository has neither an install script (${SCRIPTS[0]}) nor dotfiles.`,
    );
  }
  const target = resolve(options.symlinkDir ?? (context.io.env.HOME || homedir()));
  await askConsent(context, `Link ${names.join(", ")} into ${target}?`, options.yes);
  await linkFiles(names, { repository: folder, target, note: context.note });
  context.note(`Dotfiles linked into ${target}.`);
}

/** Clones the repository, or updates an existing clone. Moves a clone of another repository aside. */
async function fetchRepository(
  context: Context,
  url: string,
  folder: string,
  { branch, yes }: Options,
): Promise<void> {
  const git = (...args: string[]) => run(context, "git", args);
  if (existsSync(join(folder, ".git")) && (await originOf(folder)) !== url) {
    const backup = await freeName(folder);
    await askConsent(context, `${folder} is a clone of another repository. Move it to ${backup}?`, yes);
    await rename(folder, backup);
    context.note(`Moved ${folder} to ${backup}.`);
  }
  if (!existsSync(join(folder, ".git"))) {
    await mkdir(dirname(folder), { recursive: true });
    return git("clone", ...(branch ? ["--branch", branch] : []), "--", url, folder);
  }
  if (branch) {
    await git("-C", folder, "fetch", "origin", branch);
    await git("-C", folder, "checkout", branch, "--");
  }
  await git("-C", folder, "pull", "--ff-only");
}

async function originOf(folder: string): Promise<string | undefined> {
  const answer = await output("git", ["-C", folder, "config", "remote.origin.url"]).catch(() => undefined);
  return answer?.stdout.trim();
}

/** The repository's install script. Throws if it cannot be run. */
async function findScript(folder: string): Promise<string | undefined> {
  for (const script of SCRIPTS) {
    const path = join(folder, script);
    if (!(await stat(path).catch(() => undefined))?.isFile()) continue;
    await access(path, constants.X_OK).catch((cause) => {
      throw new FleetError(
        "failed_precondition",
        `${script} is not executable. Run this in your repository, then commit and push: git update-index --chmod=+x ${script}`,
        { cause },
      );
    });
    return script;
  }
  return undefined;
}

/** Runs a program on our terminal. Ctrl-C reaches it too, so wait for it. */
async function run(context: Context, command: string, args: string[], cwd?: string): Promise<void> {
  // Without a terminal, git must not prompt for a password.
  const env = context.interactive ? process.env : { ...process.env, GIT_TERMINAL_PROMPT: "0" };
  const child = spawn(command, args, { cwd, env, stdio: "inherit" });
  const failed = new Promise<never>((_, reject) => {
    child.once("error", (cause: NodeJS.ErrnoException) => {
      const why = cause.code === "ENOENT" ? "it is not installed" : cause.message;
      reject(new FleetError("failed_precondition", `${command} could not be run: ${why}.`, { cause }));
    });
  });
  const [code, signal] = (await Promise.race([once(child, "close"), failed])) as [
    number | null,
    string | null,
  ];
  if (code !== 0) {
    const how = signal ? `was ended by ${signal}` : `failed with exit status ${code}`;
    throw new FleetError("failed_precondition", `${[command, ...args.slice(0, 1)].join(" ")} ${how}.`);
  }
}
