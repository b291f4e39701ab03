import { spawn, spawnSync } from "node:child_process";
import { chmod, lchown, lstat, readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FleetError, type Logger } from "@fleet/base";
import { bubblewrapArgs, type Mounts } from "./bubblewrap.js";
import { type ControlGroup, createControlGroup } from "./cgroup.js";
import { findProgram, type Launch, limited } from "./launch.js";
import type { JobLimits } from "./limits.js";
import { killAllOf, uidOfJob } from "./users.js";

/** CODER_PROVISIONER_ISOLATION. */
export const ISOLATION_SETTINGS = ["auto", "bubblewrap", "user", "none"] as const;
export type IsolationSetting = (typeof ISOLATION_SETTINGS)[number];

/** The folders of one job. */
export type JobPlace = {
  /** The job's own folder; all others are in it. */
  place: string;
  /** The engine's working folder. */
  folder: string;
  /** The plugin cache of `init`. */
  plugins: string;
  home: string;
  temporary: string;
};

/** What separates one job's commands from the daemon and from other jobs. */
export type JobIsolation = AsyncDisposable & {
  /** Replaces variables of a command's environment, such as a home folder that is another user's. */
  readonly env: Readonly<Record<string, string>>;
  /** Wraps a command. `shared` are folders outside of the job's place that it needs. */
  launch(path: string, args: readonly string[], options: { cwd: string; shared: readonly string[] }): Launch;
  /** Gives files that the daemon has written to the user that the job's commands run as. */
  handOver(folder: string): Promise<void>;
  /** Process that stands for the hosted provider, as the command sees it. */
  reattachPid(warden: number): number;
  /** Ends what a command left running. Called after each. */
  settle(): Promise<void>;
  /** The job's control group, if it has one. */
  readonly group: ControlGroup | undefined;
};

export type Isolation = {
  readonly kind: "bubblewrap" | "user" | "none";
  /** A sentence if templates are not isolated although nobody asked for that. */
  readonly warning: string | undefined;
  /** The boundary of one job, whose files are all in the folders of `place`. */
  enter(jobId: string, place: JobPlace): Promise<JobIsolation>;
};

export type IsolationOptions = {
  setting: IsolationSetting;
  /** Applies to everything that an isolated job runs. */
  limits: JobLimits;
  cacheDirectory: string;
  /** The engine, which the job's user must be able to run, and its settings, to read. */
  needs: readonly string[];
  /** Folders in the cache that commands may read, such as providers. */
  readable: readonly string[];
  /** Other folders that no command may see, such as the databases of `coder server`. */
  hidden: readonly string[];
  searchPath: string;
  logger: Logger;
};

/** The first of the users that templates run as. Outside the ranges of people and of systemd. */
export const FIRST_UID = 60_100;

const UNPROTECTED =
  "Templates run as the provisioner's own user: their code can read the provisioner's files and memory, and other builds'. Install bubblewrap where user namespaces are allowed, or give each trust level its own provisioner in a container. Set CODER_PROVISIONER_ISOLATION=none to accept this.";

/** Chooses how templates are isolated. Throws `failed_precondition` if the setting asks for what does not work here. */
export async function createIsolation(options: IsolationOptions): Promise<Isolation> {
  const { setting, logger } = options;
  const isRoot = process.getuid?.() === 0;
  const uid = isRoot && (await canUse(options)) ? FIRST_UID : undefined;
  const wants = (kind: IsolationSetting) => setting === "auto" || setting === kind;

  if (wants("bubblewrap")) {
    const program = findProgram("bwrap", options.searchPath);
    const problem = program ? problemOf(program, uid, options) : "it is not installed";
    if (program && problem === undefined) return withBubblewrap(program, uid, options);
    if (setting === "bubblewrap") {
      throw new FleetError(
        "failed_precondition",
        `CODER_PROVISIONER_ISOLATION is bubblewrap, which does not work here: ${problem}. Install it and allow user namespaces, or choose another value.`,
      );
    }
    logger.debug("bubblewrap does not work here.", { problem });
  }
  if (wants("user")) {
    if (uid !== undefined) return withUsers(options);
    if (setting === "user") {
      throw new FleetError(
        "failed_precondition",
        "CODER_PROVISIONER_ISOLATION is user, which requires a provisioner that runs as root, with a CODER_CACHE_DIRECTORY and engine in directories that every user can enter, such as /var/cache/coder.",
      );
    }
  }
  return { kind: "none", warning: setting === "none" ? undefined : UNPROTECTED, enter: async () => OPEN };
}

/** No boundary. */
const OPEN: JobIsolation = {
  env: {},
  launch: (path, args) => ({ path, args, tellsPid: false }),
  handOver: async () => {},
  reattachPid: (warden) => warden,
  settle: async () => {},
  group: undefined,
  [Symbol.asyncDispose]: async () => {},
};

/** What both kinds do: limits, and files of another user. */
async function enterPlace(place: JobPlace, uid: number | undefined, options: IsolationOptions) {
  const { limits, searchPath } = options;
  const programs = {
    setpriv: findProgram("setpriv", searchPath),
    prlimit: findProgram("prlimit", searchPath),
  };
  const mayGroup = uid === undefined || programs.setpriv !== undefined;
  const group = mayGroup ? createControlGroup(basename(place.place), limits) : undefined;
  const handOver = (folder: string) => (uid === undefined ? Promise.resolve() : giveTo(uid, folder));
  if (uid !== undefined) {
    // Others may pass through, to folders that only the job's user can open.
    await chmod(dirname(place.place), 0o711);
    await chmod(place.place, 0o711);
    for (const folder of [place.folder, place.plugins, place.home, place.temporary]) await handOver(folder);
  }
  const env: Record<string, string> =
    uid === undefined ? {} : { HOME: place.home, USER: "coder", LOGNAME: "coder" };
  return {
    group,
    handOver,
    limit: (launch: Launch) => limited(launch, limits, group, programs),
    env,
  };
}

function withBubblewrap(program: string, uid: number | undefined, options: IsolationOptions): Isolation {
  const { readable, needs } = options;
  return {
    kind: "bubblewrap",
    warning: undefined,
    async enter(_jobId, place) {
      const { group, handOver, limit, env } = await enterPlace(place, uid, options);
      return {
        group,
        handOver,
        env: { ...env, TMPDIR: "/tmp" },
        launch(path, args, { cwd, shared }) {
          const mounts: Mounts = {
            hidden: hiddenFrom(uid, options),
            readable: [...readable, ...needs],
            // Each by itself: a folder that is mounted cannot be replaced by a link.
            writable: [place.folder, place.plugins, place.home, ...shared],
            temporary: place.temporary,
          };
          const before = bubblewrapArgs(mounts, cwd);
          return limit({
            path: program,
            args: [...before, path, ...args],
            ...(uid !== undefined && { uid }),
            tellsPid: true,
          });
        },
        // The engine is process 1 of its namespace, and cannot be killed from in there.
        reattachPid: () => 1,
        settle: async () => {},
        [Symbol.asyncDispose]: async () => group?.remove(),
      };
    },
  };
}

/** Folders of other users need not be hidden from one that cannot open them; nor could they be mounted over. */
function hiddenFrom(uid: number | undefined, { cacheDirectory, hidden }: IsolationOptions): string[] {
  return uid === undefined ? [cacheDirectory, ...hidden] : [cacheDirectory];
}

function withUsers(options: IsolationOptions): Isolation {
  return {
    kind: "user",
    warning: undefined,
    async enter(jobId, place) {
      const user = await uidOfJob(jobId, FIRST_UID);
      const { group, handOver, limit, env } = await enterPlace(place, user.uid, options);
      // A process of the same user for the engine to look at, because it may not signal the daemon's.
      const stand = spawn("sh", ["-c", "read -r _"], {
        uid: user.uid,
        gid: user.uid,
        stdio: ["pipe", "ignore", "ignore"],
        env: {},
        cwd: "/",
        detached: true,
      });
      stand.unref();
      stand.on("error", () => {});
      stand.stdin.on("error", () => {});
      return {
        group,
        handOver,
        env: { ...env, TMPDIR: place.temporary },
        launch: (path, args) => limit({ path, args, uid: user.uid, tellsPid: false }),
        reattachPid: () => stand.pid ?? 0,
        settle: () => killAllOf(user.uid, stand.pid),
        async [Symbol.asyncDispose]() {
          await killAllOf(user.uid);
          await group?.remove();
          user.release();
        },
      };
    },
  };
}

/** Why a command cannot run in bubblewrap here; undefined if it can. */
function problemOf(program: string, uid: number | undefined, options: IsolationOptions): string | undefined {
  const mounts = { hidden: hiddenFrom(uid, options), readable: [], writable: [] };
  const args = bubblewrapArgs(mounts, "/");
  const { status, stderr, error } = spawnSync(program, [...args, "true"], {
    ...(uid !== undefined && { uid, gid: uid }),
    cwd: "/",
    env: { PATH: options.searchPath },
    stdio: ["ignore", "ignore", "pipe", "pipe"],
    timeout: 10_000,
    encoding: "utf8",
  });
  if (status === 0) return undefined;
  return error?.message ?? (stderr.trim().split("\n").at(-1) || `it exited with status ${status}`);
}

/** Lets other users pass through the cache folder, and tells whether they can use what a job needs. */
async function canUse({ cacheDirectory, needs }: IsolationOptions): Promise<boolean> {
  for (const path of needs) {
    for (let folder = dirname(path); folder.startsWith(cacheDirectory); folder = dirname(folder)) {
      await chmod(folder, 0o711);
    }
  }
  await chmod(cacheDirectory, 0o711);
  await chmod(join(cacheDirectory, "work"), 0o711);
  return [cacheDirectory, ...needs].every((path) => {
    const test = path === cacheDirectory ? "-x" : "-r";
    const { status } = spawnSync("test", [test, path], {
      uid: FIRST_UID,
      gid: FIRST_UID,
      cwd: "/",
      stdio: "ignore",
      timeout: 10_000,
    });
    return status === 0;
  });
}

/** Follows no link, and leaves alone what has another name elsewhere. Called only while no command runs. */
async function giveTo(uid: number, path: string): Promise<void> {
  const info = await lstat(path);
  if (info.isFile() && info.nlink > 1) return;
  if (info.uid !== uid) await lchown(path, uid, uid);
  if (!info.isDirectory()) return;
  for (const name of await readdir(path)) await giveTo(uid, join(path, name));
}
