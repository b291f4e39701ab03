import { constants } from "node:fs";
import * as fs from "node:fs/promises";
import { type Clock, drained, errorMessage } from "@fleet/base";
import type { ServerChannel } from "ssh2";
import { flushed, mendStalls } from "../channel.js";
import type { Departure } from "../departure.js";
import { attributes, change, longName, type Path, readChanges } from "./attributes.js";
import { extensionList, extensionOf, writeAll } from "./extensions.js";
import { MAX_TRANSFER_BYTES, SftpFiles } from "./files.js";
import {
  createPacketSplitter,
  MalformedPacket,
  PacketReader,
  packet,
  STATUS,
  string,
  TYPE,
  uint32,
} from "./wire.js";

const VERSION = 3;
/** Maximum number of names in one READDIR response. */
const NAMES_PER_ANSWER = 128;
/** Flags of the OPEN packet. */
const OPEN = { read: 0x1, write: 0x2, append: 0x4, create: 0x8, truncate: 0x10, exclusive: 0x20 } as const;
/** Clients that send a symbolic link's target before the link, like OpenSSH and unlike the draft. */
const TARGET_FIRST = /OpenSSH|dropbear|paramiko/i;

/** Error codes of file systems without hard links. */
const NO_HARD_LINKS = new Set(["EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EPERM", "EXDEV", "EMLINK"]);

export type SftpOptions = {
  user: { name: string; home: string };
  /** The client's SSH identification string. */
  clientIdent: string;
  clock: Clock;
};

/** Handles one request; undefined means OK. */
type Operation = (id: number, fields: PacketReader) => Promise<Buffer | undefined>;

/**
 * Serves SFTP version 3 with OpenSSH's extensions as the agent's user. Names are raw bytes throughout, so that names in
 * any encoding work. Requests are handled one at a time, and the next one is read only after the client has received
 * the previous responses, so that the channel's window limits a client's requests.
 */
export async function serveSftp(
  channel: ServerChannel,
  departure: Departure,
  options: SftpOptions,
): Promise<void> {
  mendStalls(channel);
  const gone = new Promise<void>((resolve) => departure.onceGone(resolve));
  channel.on("error", () => {});
  const files = new SftpFiles(options.user);
  const operations = operationsOn(files, options);
  const split = createPacketSplitter();
  let code = 0;
  try {
    for await (const chunk of channel.iterator({ destroyOnReturn: false })) {
      for (const request of split(chunk)) {
        const fields = new PacketReader(request);
        const answer = await answerTo(operations, fields.byte(), fields);
        if (!channel.write(answer)) await Promise.race([drained(channel), gone]);
        if (departure.gone) return;
      }
    }
  } catch (error) {
    code = 1;
    channel.stderr.write(`${errorMessage(error)}\n`);
  } finally {
    await files.closeAll();
    channel.resume();
  }
  await flushed(channel);
  // scp requires an exit code.
  channel.exit(code);
  channel.end();
}

async function answerTo(
  operations: ReadonlyMap<number, Operation>,
  type: number,
  fields: PacketReader,
): Promise<Buffer> {
  if (type === TYPE.init) return packet(TYPE.version, uint32(VERSION), extensionList());
  const id = fields.uint32();
  const operation = operations.get(type);
  if (!operation) return status(id, STATUS.unsupported, "Operation unsupported");
  try {
    return (await operation(id, fields)) ?? status(id, STATUS.ok, "Success");
  } catch (error) {
    if (error instanceof MalformedPacket) throw error;
    return status(id, statusOf(error as NodeJS.ErrnoException), errorMessage(error));
  }
}

function operationsOn(files: SftpFiles, { clientIdent, clock }: SftpOptions): Map<number, Operation> {
  const attrs = async (id: number, stats: Parameters<typeof attributes>[0]) =>
    packet(TYPE.attrs, uint32(id), attributes(stats));
  /** Wraps an operation without a result. */
  const done =
    (operation: (fields: PacketReader) => Promise<unknown>): Operation =>
    async (_id, fields) => {
      await operation(fields);
      return undefined;
    };
  const path = (fields: PacketReader) => files.absolute(fields.string());

  return new Map<number, Operation>([
    [
      TYPE.open,
      async (id, fields) => {
        const [opened, flags, { permissions }] = [path(fields), fields.uint32(), readChanges(fields)];
        const file = await fs.open(opened, openFlags(flags), permissions ?? 0o666);
        try {
          const append = (flags & OPEN.append) !== 0;
          const handle = files.keep({ kind: "file", path: opened, file, append });
          return packet(TYPE.handle, uint32(id), string(handle));
        } catch (error) {
          await file.close();
          throw error;
        }
      },
    ],
    [TYPE.close, done((fields) => files.close(fields.string()))],
    [TYPE.read, (id, fields) => read(files, id, fields)],
    [
      TYPE.write,
      done((fields) => {
        const [{ file, append }, offset] = [files.file(fields.string()), fields.uint64()];
        return writeAll(file, fields.string(), append ? null : offset);
      }),
    ],
    [TYPE.lstat, async (id, fields) => attrs(id, await fs.lstat(path(fields)))],
    [TYPE.stat, async (id, fields) => attrs(id, await fs.stat(path(fields)))],
    [
      TYPE.fstat,
      async (id, fields) => {
        const open = files.handle(fields.string());
        return attrs(id, open.kind === "file" ? await open.file.stat() : await fs.stat(open.path));
      },
    ],
    [TYPE.setstat, done((fields) => change(path(fields), readChanges(fields)))],
    [TYPE.fsetstat, done((fields) => change(files.file(fields.string()).file, readChanges(fields)))],
    [
      TYPE.opendir,
      async (id, fields) => {
        const folder = path(fields);
        const names = (await fs.readdir(folder, { encoding: "buffer" })) as Path[];
        const all = [Buffer.from("."), Buffer.from(".."), ...names];
        return packet(
          TYPE.handle,
          uint32(id),
          string(files.keep({ kind: "folder", path: folder, names: all })),
        );
      },
    ],
    [TYPE.readdir, (id, fields) => list(files, id, fields, clock)],
    [TYPE.remove, done((fields) => fs.unlink(path(fields)))],
    [
      TYPE.mkdir,
      done((fields) => {
        const [folder, { permissions }] = [path(fields), readChanges(fields)];
        return fs.mkdir(folder, { mode: permissions ?? 0o777 });
      }),
    ],
    [TYPE.rmdir, done((fields) => fs.rmdir(path(fields)))],
    [TYPE.realpath, async (id, fields) => files.name(id, await files.real(fields.string()))],
    [TYPE.rename, done((fields) => rename(path(fields), path(fields)))],
    [
      TYPE.readlink,
      async (id, fields) => files.name(id, (await fs.readlink(path(fields), { encoding: "buffer" })) as Path),
    ],
    [
      TYPE.symlink,
      done((fields) => {
        const [first, second] = [fields.string(), fields.string()];
        const [target, link] = TARGET_FIRST.test(clientIdent) ? [first, second] : [second, first];
        return fs.symlink(target, files.absolute(link));
      }),
    ],
    [
      TYPE.extended,
      async (id, fields) => {
        const extension = extensionOf(fields.text());
        if (!extension) throw Object.assign(new Error("Operation unsupported"), { code: "ENOSYS" });
        return extension.answer(files, id, fields);
      },
    ],
  ]);
}

/** Reads the data directly into the response. */
async function read(files: SftpFiles, id: number, fields: PacketReader): Promise<Buffer> {
  const [{ file }, offset, length] = [files.file(fields.string()), fields.uint64(), fields.uint32()];
  const head = 4 + 1 + 4 + 4;
  const answer = Buffer.allocUnsafe(head + Math.min(length, MAX_TRANSFER_BYTES));
  const { bytesRead } = await file.read(answer, head, answer.length - head, offset);
  if (bytesRead === 0 && length > 0) return status(id, STATUS.eof, "End of file");
  answer.writeUInt32BE(head - 4 + bytesRead, 0);
  answer.writeUInt8(TYPE.data, 4);
  answer.writeUInt32BE(id, 5);
  answer.writeUInt32BE(bytesRead, 9);
  return answer.subarray(0, head + bytesRead);
}

async function list(files: SftpFiles, id: number, fields: PacketReader, clock: Clock): Promise<Buffer> {
  const { path, names } = files.folder(fields.string());
  const page = names.splice(0, NAMES_PER_ANSWER);
  if (page.length === 0) return status(id, STATUS.eof, "End of file");
  const now = clock.now();
  const entries = await Promise.all(
    page.map(async (name) => {
      const stats = await fs.lstat(Buffer.concat([path, Buffer.from("/"), name])).catch(() => undefined);
      return Buffer.concat([string(name), string(longName(name, stats, now)), attributes(stats)]);
    }),
  );
  return packet(TYPE.name, uint32(id), uint32(entries.length), ...entries);
}

/** Never overwrites, like OpenSSH's server; `posix-rename@openssh.com` does. */
async function rename(from: Path, to: Path): Promise<void> {
  if ((await fs.lstat(from)).isFile()) {
    try {
      // Atomic, so that a concurrently created file is never replaced.
      await fs.link(from, to);
      return await fs.unlink(from);
    } catch (error) {
      if (!NO_HARD_LINKS.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
  const taken = await fs.lstat(to).catch(() => undefined);
  if (taken) throw new Error("The target already exists.");
  await fs.rename(from, to);
}

function openFlags(flags: number): number {
  const write = (flags & OPEN.write) !== 0;
  const read = (flags & OPEN.read) !== 0;
  return (
    (write ? (read ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY) |
    (flags & OPEN.append ? constants.O_APPEND : 0) |
    (flags & OPEN.create ? constants.O_CREAT : 0) |
    (flags & OPEN.truncate ? constants.O_TRUNC : 0) |
    (flags & OPEN.exclusive ? constants.O_EXCL : 0) |
    // Opening a named pipe without a peer would block one of the agent's few worker threads.
    (constants.O_NONBLOCK ?? 0)
  );
}

function status(id: number, code: number, message: string): Buffer {
  return packet(TYPE.status, uint32(id), uint32(code), string(message), string(""));
}

function statusOf({ code }: NodeJS.ErrnoException): number {
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
    case "EBADF":
    case "ELOOP":
      return STATUS.noSuchFile;
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return STATUS.permissionDenied;
    case "ENAMETOOLONG":
    case "EINVAL":
      return STATUS.badMessage;
    case "ENOSYS":
      return STATUS.unsupported;
    default:
      return STATUS.failure;
  }
}
