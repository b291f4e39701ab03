import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import * as fs from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import ssh2, { type Attributes, type SFTPWrapper } from "ssh2";

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp;

/** Files and folders that one client may have open at once. */
const MAX_HANDLES = 1_024;
/** The most that one read gives, in bytes: what fits the packet that every client must take. */
const MAX_READ_BYTES = 256 * 1024;
/** Names in one answer to a listing. */
const NAMES_PER_ANSWER = 128;

type Handle =
  | { kind: "file"; file: fs.FileHandle; append: boolean }
  | { kind: "folder"; path: string; names: string[] };

/** ssh2's own fields, which its types leave out. */
type Internals = {
  _protocol: { exitStatus(channel: number, code: number): void };
  outgoing: { id: number; state: string };
};

/**
 * SFTP version 3 on the files of the agent's user. Relative paths start in the home folder. A rename replaces its
 * target, as mv does: clients that write a file aside and move it into place count on it.
 */
export function serveSftp(sftp: SFTPWrapper, home: string): void {
  const handles = new Map<string, Handle>();
  let last: Promise<unknown> = Promise.resolve();
  const absolute = (path: string) => (isAbsolute(path) ? path : join(home, path));
  const ok = (id: number) => sftp.status(id, STATUS_CODE.OK);

  /**
   * Answers with what the operation makes, or with the status of its error. One after the other: a client that hears of
   * the end of a file before it has the answers to its earlier reads takes the file for shorter than it is.
   */
  function answer(id: number, operation: () => Promise<unknown>): void {
    last = last.then(operation).catch((error) => sftp.status(id, statusOf(error), messageOf(error)));
  }

  function open(handle: Handle): Buffer {
    if (handles.size >= MAX_HANDLES) throw new Error(`${MAX_HANDLES} files are open. Close some first.`);
    const key = randomBytes(8);
    handles.set(key.toString("hex"), handle);
    return key;
  }

  function handleOf<K extends Handle["kind"]>(key: Buffer, kind: K): Extract<Handle, { kind: K }> {
    const handle = handles.get(key.toString("hex"));
    if (handle?.kind !== kind) throw new Error("The handle is not open.");
    return handle as Extract<Handle, { kind: K }>;
  }

  sftp.on("OPEN", (id, path, flags, attrs) =>
    answer(id, async () => {
      const file = await fs.open(absolute(path), openFlags(flags), (attrs.mode ?? 0o666) & 0o7777);
      try {
        sftp.handle(id, open({ kind: "file", file, append: (flags & OPEN_MODE.APPEND) !== 0 }));
      } catch (error) {
        await file.close();
        throw error;
      }
    }),
  );
  sftp.on("READ", (id, key, offset, length) =>
    answer(id, async () => {
      const { file } = handleOf(key, "file");
      const block = Buffer.allocUnsafe(Math.min(length, MAX_READ_BYTES));
      const { bytesRead } = await file.read(block, 0, block.length, offset);
      if (bytesRead === 0) sftp.status(id, STATUS_CODE.EOF);
      else sftp.data(id, block.subarray(0, bytesRead));
    }),
  );
  sftp.on("WRITE", (id, key, offset, block) =>
    answer(id, async () => {
      const { file, append } = handleOf(key, "file");
      for (let done = 0; done < block.length; ) {
        const position = append ? null : offset + done;
        done += (await file.write(block, done, block.length - done, position)).bytesWritten;
      }
      ok(id);
    }),
  );
  sftp.on("CLOSE", (id, key) =>
    answer(id, async () => {
      const name = key.toString("hex");
      const handle = handles.get(name);
      handles.delete(name);
      if (handle?.kind === "file") await handle.file.close();
      ok(id);
    }),
  );
  sftp.on("FSTAT", (id, key) =>
    answer(id, async () => sftp.attrs(id, attributes(await handleOf(key, "file").file.stat()))),
  );
  sftp.on("STAT", (id, path) =>
    answer(id, async () => sftp.attrs(id, attributes(await fs.stat(absolute(path))))),
  );
  sftp.on("LSTAT", (id, path) =>
    answer(id, async () => sftp.attrs(id, attributes(await fs.lstat(absolute(path))))),
  );
  sftp.on("SETSTAT", (id, path, attrs) =>
    answer(id, async () => {
      await setAttributes(absolute(path), attrs);
      ok(id);
    }),
  );
  sftp.on("FSETSTAT", (id, key, attrs) =>
    answer(id, async () => {
      await setAttributes(handleOf(key, "file").file, attrs);
      ok(id);
    }),
  );
  sftp.on("OPENDIR", (id, path) =>
    answer(id, async () => {
      const names = await fs.readdir(absolute(path));
      sftp.handle(id, open({ kind: "folder", path: absolute(path), names: [".", "..", ...names] }));
    }),
  );
  sftp.on("READDIR", (id, key) =>
    answer(id, async () => {
      const { path, names } = handleOf(key, "folder");
      const page = names.splice(0, NAMES_PER_ANSWER);
      if (page.length === 0) return sftp.status(id, STATUS_CODE.EOF);
      const entries = await Promise.all(page.map((name) => entryOf(path, name)));
      sftp.name(
        id,
        entries.filter((entry) => entry !== undefined),
      );
    }),
  );
  sftp.on("REMOVE", (id, path) => answer(id, async () => fs.unlink(absolute(path)).then(() => ok(id))));
  sftp.on("RMDIR", (id, path) => answer(id, async () => fs.rmdir(absolute(path)).then(() => ok(id))));
  sftp.on("MKDIR", (id, path, attrs) =>
    answer(id, async () => {
      await fs.mkdir(absolute(path), { mode: (attrs.mode ?? 0o777) & 0o7777 });
      ok(id);
    }),
  );
  sftp.on("RENAME", (id, from, to) =>
    answer(id, async () => fs.rename(absolute(from), absolute(to)).then(() => ok(id))),
  );
  // ssh2's types name these two the other way round.
  sftp.on("SYMLINK", (id, link, target) =>
    answer(id, async () => fs.symlink(target, absolute(link)).then(() => ok(id))),
  );
  sftp.on("READLINK", (id, path) =>
    answer(id, async () => {
      const target = await fs.readlink(absolute(path));
      sftp.name(id, [{ filename: target, longname: target, attrs: {} as Attributes }]);
    }),
  );
  sftp.on("REALPATH", (id, path) =>
    answer(id, async () => {
      const wanted = join(absolute(path), ".");
      const real = await fs.realpath(wanted).catch(() => wanted);
      sftp.name(id, [{ filename: real, longname: real, attrs: {} as Attributes }]);
    }),
  );
  sftp.once("end", () => {
    // scp fails without an exit code, and ssh2's sftp has no method for it.
    const { _protocol, outgoing } = sftp as unknown as Internals;
    if (outgoing.state === "open") _protocol.exitStatus(outgoing.id, 0);
    sftp.end();
  });
  sftp.once("close", () => {
    for (const handle of handles.values()) if (handle.kind === "file") handle.file.close().catch(() => {});
    handles.clear();
  });
}

function openFlags(flags: number): number {
  const write = (flags & OPEN_MODE.WRITE) !== 0;
  const read = (flags & OPEN_MODE.READ) !== 0;
  return (
    (write ? (read ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY) |
    (flags & OPEN_MODE.APPEND ? constants.O_APPEND : 0) |
    (flags & OPEN_MODE.CREAT ? constants.O_CREAT : 0) |
    (flags & OPEN_MODE.TRUNC ? constants.O_TRUNC : 0) |
    (flags & OPEN_MODE.EXCL ? constants.O_EXCL : 0)
  );
}

function attributes(stats: Stats): Attributes {
  return {
    mode: stats.mode,
    uid: stats.uid,
    gid: stats.gid,
    size: stats.size,
    atime: Math.trunc(stats.atimeMs / 1000),
    mtime: Math.trunc(stats.mtimeMs / 1000),
  };
}

async function entryOf(folder: string, name: string) {
  const stats = await fs.lstat(join(folder, name)).catch(() => undefined);
  return stats && { filename: name, longname: longName(name, stats), attrs: attributes(stats) };
}

/** A line as `ls -l` prints it, which clients show to people. */
function longName(name: string, stats: Stats): string {
  const type = stats.isDirectory() ? "d" : stats.isSymbolicLink() ? "l" : "-";
  const bits = [..."rwxrwxrwx"].map((letter, at) => (stats.mode & (0o400 >> at) ? letter : "-")).join("");
  const date = stats.mtime.toUTCString();
  const time = `${date.slice(8, 11)} ${date.slice(5, 7)} ${date.slice(17, 22)}`;
  const size = String(stats.size).padStart(8);
  return `${type}${bits} ${String(stats.nlink).padStart(4)} ${stats.uid} ${stats.gid} ${size} ${time} ${name}`;
}

/** Sets what the client sent, and only that. */
async function setAttributes(target: string | fs.FileHandle, attrs: Partial<Attributes>): Promise<void> {
  const on = typeof target === "string" ? pathOperations(target) : target;
  if (attrs.size !== undefined) await on.truncate(attrs.size);
  if (attrs.mode !== undefined) await on.chmod(attrs.mode & 0o7777);
  if (attrs.uid !== undefined && attrs.gid !== undefined) await on.chown(attrs.uid, attrs.gid);
  if (attrs.atime !== undefined && attrs.mtime !== undefined) await on.utimes(attrs.atime, attrs.mtime);
}

function pathOperations(path: string): Pick<fs.FileHandle, "truncate" | "chmod" | "chown" | "utimes"> {
  return {
    truncate: (length) => fs.truncate(path, length),
    chmod: (mode) => fs.chmod(path, mode),
    chown: (uid, gid) => fs.chown(path, uid, gid),
    utimes: (atime, mtime) => fs.utimes(path, atime, mtime),
  };
}

function statusOf(error: NodeJS.ErrnoException): number {
  if (error.code === "ENOENT") return STATUS_CODE.NO_SUCH_FILE;
  if (error.code === "EACCES" || error.code === "EPERM") return STATUS_CODE.PERMISSION_DENIED;
  return STATUS_CODE.FAILURE;
}

function messageOf(error: NodeJS.ErrnoException): string {
  return error.message;
}
