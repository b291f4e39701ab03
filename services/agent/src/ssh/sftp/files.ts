import type { FileHandle } from "node:fs/promises";
import * as fs from "node:fs/promises";
import { posix } from "node:path";
import type { Path } from "./attributes.js";
import { attributes } from "./attributes.js";
import { MAX_PACKET_BYTES, packet, string, TYPE, uint32 } from "./wire.js";

/** Maximum number of open files and folders per client. */
export const MAX_HANDLES = 1_024;
/** Maximum data of one read or write, in bytes: a packet minus the other fields. */
export const MAX_TRANSFER_BYTES = MAX_PACKET_BYTES - 1_024;

export type OpenFile = { kind: "file"; path: Path; file: FileHandle; append: boolean };
export type OpenFolder = { kind: "folder"; path: Path; names: Path[] };
type Open = OpenFile | OpenFolder;

/** One client's view of the file system: the base of relative paths, and open handles. */
export class SftpFiles {
  readonly home: Path;
  readonly user: string;
  readonly #open = new Map<number, Open>();
  #next = 0;

  constructor(user: { name: string; home: string }) {
    this.user = user.name;
    this.home = Buffer.from(user.home);
  }

  /** Relative paths start in the home folder. */
  absolute(path: Path): Path {
    return path[0] === 0x2f ? path : Buffer.concat([this.home, Buffer.from("/"), path]);
  }

  /** The canonical path; if it does not exist, the path without `.` and `..`. */
  async real(path: Path): Promise<Path> {
    const absolute = this.absolute(path);
    try {
      return (await fs.realpath(absolute, { encoding: "buffer" })) as Path;
    } catch {
      // Latin-1 maps every byte to a character and back.
      const plain = posix.normalize(absolute.toString("latin1"));
      return Buffer.from(plain.length > 1 ? plain.replace(/\/$/, "") : plain, "latin1");
    }
  }

  /** Registers an open file or folder and returns its handle. Throws if too many are open. */
  keep(open: Open): Buffer {
    if (this.#open.size >= MAX_HANDLES) throw new Error(`Too many open files (limit: ${MAX_HANDLES}).`);
    const key = this.#next++;
    this.#open.set(key, open);
    return uint32(key);
  }

  /** Throws for an invalid handle. */
  handle(key: Buffer): Open {
    const open = key.length === 4 ? this.#open.get(key.readUInt32BE()) : undefined;
    if (!open) throw Object.assign(new Error("Invalid handle."), { code: "EBADF" });
    return open;
  }

  file(key: Buffer): OpenFile {
    const open = this.handle(key);
    if (open.kind !== "file") throw new Error("The handle is a folder.");
    return open;
  }

  folder(key: Buffer): OpenFolder {
    const open = this.handle(key);
    if (open.kind !== "folder") throw new Error("The handle is a file.");
    return open;
  }

  async close(key: Buffer): Promise<void> {
    const open = this.handle(key);
    this.#open.delete(key.readUInt32BE());
    if (open.kind === "file") await open.file.close();
  }

  async closeAll(): Promise<void> {
    const files = [...this.#open.values()].filter((open) => open.kind === "file");
    this.#open.clear();
    await Promise.allSettled(files.map(({ file }) => file.close()));
  }

  /** A response with one name. */
  name(id: number, path: Path): Buffer {
    return packet(TYPE.name, uint32(id), uint32(1), string(path), string(path), attributes(undefined));
  }
}
