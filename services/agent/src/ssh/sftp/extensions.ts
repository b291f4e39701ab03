import * as fs from "node:fs/promises";
import { change, readChanges } from "./attributes.js";
import { MAX_HANDLES, MAX_TRANSFER_BYTES, type SftpFiles } from "./files.js";
import {
  MAX_PACKET_BYTES,
  MalformedPacket,
  PacketReader,
  packet,
  string,
  TYPE,
  uint32,
  uint64,
} from "./wire.js";

/** Chunk size of `copy-data`, in bytes. */
const COPY_BLOCK_BYTES = 256 * 1024;
/** Linux's NAME_MAX, in bytes. */
const MAX_NAME_BYTES = 255;

/** Handles one extended request; undefined means OK. */
type Extension = {
  version: string;
  answer(files: SftpFiles, id: number, fields: PacketReader): Promise<Buffer | undefined>;
};

/**
 * The extensions of OpenSSH's sftp-server, described in its file PROTOCOL, and `copy-data` and `home-directory` of
 * draft-ietf-secsh-filexfer-extensions-00, by their names.
 */
const EXTENSIONS: Readonly<Record<string, Extension>> = {
  "posix-rename@openssh.com": {
    version: "1",
    async answer(files, _id, fields) {
      await fs.rename(files.absolute(fields.string()), files.absolute(fields.string()));
      return undefined;
    },
  },
  "statvfs@openssh.com": {
    version: "2",
    answer: (files, id, fields) => fileSystem(id, files.absolute(fields.string())),
  },
  "fstatvfs@openssh.com": {
    version: "2",
    answer: (files, id, fields) => fileSystem(id, files.handle(fields.string()).path),
  },
  "hardlink@openssh.com": {
    version: "1",
    async answer(files, _id, fields) {
      await fs.link(files.absolute(fields.string()), files.absolute(fields.string()));
      return undefined;
    },
  },
  "fsync@openssh.com": {
    version: "1",
    async answer(files, _id, fields) {
      await files.file(fields.string()).file.sync();
      return undefined;
    },
  },
  "lsetstat@openssh.com": {
    version: "1",
    async answer(files, _id, fields) {
      await change(files.absolute(fields.string()), readChanges(fields), false);
      return undefined;
    },
  },
  "limits@openssh.com": {
    version: "1",
    async answer(_files, id) {
      const limits = [MAX_PACKET_BYTES, MAX_TRANSFER_BYTES, MAX_TRANSFER_BYTES, MAX_HANDLES];
      return packet(TYPE.extendedReply, uint32(id), ...limits.map(uint64));
    },
  },
  "expand-path@openssh.com": {
    version: "1",
    async answer(files, id, fields) {
      return files.name(id, await files.real(await expandHome(files, fields.string())));
    },
  },
  "copy-data": {
    version: "1",
    async answer(files, _id, fields) {
      const source = { ...files.file(fields.string()), offset: fields.uint64(), length: fields.uint64() };
      await copy(source, { ...files.file(fields.string()), offset: fields.uint64() });
      return undefined;
    },
  },
  "home-directory": {
    version: "1",
    async answer(files, id, fields) {
      return files.name(id, await homeOf(files, fields.text()));
    },
  },
  "users-groups-by-id@openssh.com": {
    version: "1",
    async answer(_files, id, fields) {
      const users = await namesOf("/etc/passwd", fields.string());
      const groups = await namesOf("/etc/group", fields.string());
      return packet(TYPE.extendedReply, uint32(id), string(users), string(groups));
    },
  },
};

/** Name and version of each extension for the VERSION packet. */
export function extensionList(): Buffer {
  const pairs = Object.entries(EXTENSIONS).flatMap(([name, { version }]) => [string(name), string(version)]);
  return Buffer.concat(pairs);
}

/** The extension with that name; undefined if unknown. */
export function extensionOf(name: string): Extension | undefined {
  return Object.hasOwn(EXTENSIONS, name) ? EXTENSIONS[name] : undefined;
}

async function fileSystem(id: number, path: Buffer): Promise<Buffer> {
  const stats = await fs.statfs(path, { bigint: true });
  const fields = [
    stats.bsize,
    stats.bsize,
    stats.blocks,
    stats.bfree,
    stats.bavail,
    stats.files,
    stats.ffree,
    stats.ffree,
    stats.type,
    0n,
    BigInt(MAX_NAME_BYTES),
  ];
  return packet(TYPE.extendedReply, uint32(id), ...fields.map(uint64));
}

type Place = { file: fs.FileHandle; offset: number };

/** Copies a range between two open files; a length of 0 is everything up to the end of the file. */
async function copy(source: Place & { length: number }, target: Place): Promise<void> {
  const overlaps =
    source.file === target.file &&
    (source.length === 0 || Math.abs(source.offset - target.offset) < source.length);
  if (overlaps) throw new Error("Source and destination ranges overlap.");
  const block = Buffer.allocUnsafe(COPY_BLOCK_BYTES);
  const end = source.length === 0 ? Number.POSITIVE_INFINITY : source.length;
  for (let done = 0; done < end; ) {
    const wanted = Math.min(block.length, end - done);
    const { bytesRead } = await source.file.read(block, 0, wanted, source.offset + done);
    if (bytesRead === 0) {
      if (end === Number.POSITIVE_INFINITY) return;
      throw new Error("The source range exceeds the file size.");
    }
    await writeAll(target.file, block.subarray(0, bytesRead), target.offset + done);
    done += bytesRead;
  }
}

/** Writes all bytes. A `position` of null appends to a file opened for appending. */
export async function writeAll(file: fs.FileHandle, bytes: Buffer, position: number | null): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const at = position === null ? null : position + done;
    done += (await file.write(bytes, done, bytes.length - done, at)).bytesWritten;
  }
}

/** Expands `~`, `~/x` and `~user/x`; other paths are unchanged. */
async function expandHome(files: SftpFiles, path: Buffer): Promise<Buffer> {
  if (path[0] !== 0x7e) return files.absolute(path);
  const slash = path.indexOf(0x2f);
  const end = slash === -1 ? path.length : slash;
  const home = await homeOf(files, path.subarray(1, end).toString("utf8"));
  return Buffer.concat([home, path.subarray(end)]);
}

/** The home folder of a user; an empty name means the workspace's user. */
async function homeOf({ home, user }: SftpFiles, name: string): Promise<Buffer> {
  if (name === "" || name === user) return home;
  const entry = (await accounts("/etc/passwd")).find(([each]) => each === name);
  if (!entry?.[5]) throw Object.assign(new Error(`User "${name}" not found.`), { code: "ENOENT" });
  return Buffer.from(entry[5]);
}

/** Names for numeric ids; empty if unknown. */
async function namesOf(file: string, ids: Buffer): Promise<Buffer> {
  if (ids.length % 4 !== 0) throw new MalformedPacket();
  const names = new Map((await accounts(file)).map(([name, , id]) => [Number(id), name!]));
  const reader = new PacketReader(ids);
  const found: Buffer[] = [];
  while (reader.left > 0) found.push(string(names.get(reader.uint32()) ?? ""));
  return Buffer.concat(found);
}

async function accounts(file: string): Promise<string[][]> {
  const text = await fs.readFile(file, "utf8").catch(() => "");
  return text.split("\n").map((line) => line.split(":"));
}
