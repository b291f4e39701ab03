import { constants, type Stats } from "node:fs";
import * as fs from "node:fs/promises";
import { type PacketReader, uint32, uint64 } from "./wire.js";

/** Which attributes follow (draft-ietf-secsh-filexfer-02, section 5). */
const HAS = { size: 0x1, owner: 0x2, permissions: 0x4, times: 0x8, extended: 0x8000_0000 } as const;
/** Half a year, in milliseconds: `ls -l` shows the year of older files and the time of day of newer ones. */
const RECENT_MS = 365.25 * 12 * 3_600_000;

/** Attributes that a client sets; unset ones are absent. Times are in seconds. */
export type Changes = {
  size?: number;
  owner?: { uid: number; gid: number };
  permissions?: number;
  times?: { accessed: number; modified: number };
};

/** A path as raw bytes: names need not be valid in any encoding. */
export type Path = Buffer;

export function readChanges(reader: PacketReader): Changes {
  const flags = reader.uint32();
  const changes: Changes = {};
  if (flags & HAS.size) changes.size = reader.uint64();
  if (flags & HAS.owner) changes.owner = { uid: reader.uint32(), gid: reader.uint32() };
  if (flags & HAS.permissions) changes.permissions = reader.uint32() & 0o7777;
  if (flags & HAS.times) changes.times = { accessed: reader.uint32(), modified: reader.uint32() };
  if (flags & HAS.extended) {
    for (let left = reader.uint32(); left > 0; left--) {
      reader.string();
      reader.string();
    }
  }
  return changes;
}

export function attributes(stats: Stats | undefined): Buffer {
  if (!stats) return uint32(0);
  return Buffer.concat([
    uint32(HAS.size | HAS.owner | HAS.permissions | HAS.times),
    uint64(stats.size),
    uint32(stats.uid),
    uint32(stats.gid),
    uint32(stats.mode),
    uint32(Math.trunc(stats.atimeMs / 1000)),
    uint32(Math.trunc(stats.mtimeMs / 1000)),
  ]);
}

/** Sets the given attributes. Follows symbolic links, except for `lsetstat@openssh.com`. */
export async function change(
  target: Path | fs.FileHandle,
  { size, permissions, times, owner }: Changes,
  follows = true,
): Promise<void> {
  const on = Buffer.isBuffer(target) ? onPath(target, follows) : target;
  if (size !== undefined) await on.truncate(size);
  if (permissions !== undefined) await on.chmod(permissions);
  if (times) await on.utimes(times.accessed, times.modified);
  if (owner) await on.chown(owner.uid, owner.gid);
}

function onPath(
  path: Path,
  follows: boolean,
): Pick<fs.FileHandle, "truncate" | "chmod" | "chown" | "utimes"> {
  if (follows) {
    return {
      truncate: (length) => fs.truncate(path, length),
      chmod: (mode) => fs.chmod(path, mode),
      chown: (uid, gid) => fs.chown(path, uid, gid),
      utimes: (atime, mtime) => fs.utimes(path, atime, mtime),
    };
  }
  const refuse = () => Promise.reject(Object.assign(new Error("not supported"), { code: "ENOSYS" }));
  return {
    truncate: refuse,
    // Linux has no permissions on symbolic links.
    chmod: async (mode) => ((await fs.lstat(path)).isSymbolicLink() ? refuse() : fs.chmod(path, mode)),
    chown: (uid, gid) => fs.lchown(path, uid, gid),
    utimes: (atime, mtime) => fs.lutimes(path, atime, mtime),
  };
}

/** A line like that of `ls -l`, which clients show to users. */
export function longName(name: Path, stats: Stats | undefined, now: Date): Buffer {
  if (!stats) return name;
  const columns = [
    `${typeOf(stats)}${permissionsOf(stats.mode)}`,
    String(stats.nlink).padStart(4),
    String(stats.uid).padEnd(8),
    String(stats.gid).padEnd(8),
    String(stats.size).padStart(8),
    dateOf(stats.mtime, now),
  ];
  return Buffer.concat([Buffer.from(`${columns.join(" ")} `), name]);
}

const TYPES = new Map([
  [constants.S_IFDIR, "d"],
  [constants.S_IFLNK, "l"],
  [constants.S_IFSOCK, "s"],
  [constants.S_IFIFO, "p"],
  [constants.S_IFCHR, "c"],
  [constants.S_IFBLK, "b"],
]);

function typeOf({ mode }: Stats): string {
  return TYPES.get(mode & constants.S_IFMT) ?? "-";
}

function permissionsOf(mode: number): string {
  const bits = [..."rwxrwxrwx"].map((letter, at) => (mode & (0o400 >> at) ? letter : "-"));
  const special = (bit: number, at: number, letter: string) => {
    if (mode & bit) bits[at] = bits[at] === "x" ? letter : letter.toUpperCase();
  };
  special(0o4000, 2, "s");
  special(0o2000, 5, "s");
  special(0o1000, 8, "t");
  return bits.join("");
}

function dateOf(time: Date, now: Date): string {
  const [month, day, year, clock] = [
    time.toLocaleString("en", { month: "short" }),
    String(time.getDate()).padStart(2),
    String(time.getFullYear()),
    time.toTimeString().slice(0, 5),
  ];
  const age = now.getTime() - time.getTime();
  return `${month} ${day} ${age >= 0 && age < RECENT_MS ? clock : ` ${year}`}`;
}
