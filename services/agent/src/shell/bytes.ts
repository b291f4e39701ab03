import { isUtf8 } from "node:buffer";
import type { Command } from "./command.js";

/**
 * Runs a command of arbitrary bytes in the user's shell, like sshd, because file names need not be UTF-8. Node passes
 * arguments as UTF-8 only, so a POSIX shell decodes the bytes and then execs the user's shell.
 */
export function shellCommandOfBytes(run: (text: string) => Command, bytes: Buffer): Command {
  if (isUtf8(bytes)) return run(bytes.toString("utf8"));
  const { file, args } = run(escaped(bytes));
  const script = 'exec "$@" "$(printf %b "$0")"';
  return { file: "/bin/sh", args: ["-c", script, args.at(-1)!, file, ...args.slice(0, -1)] };
}

/** Encodes for printf's `%b`: everything but ASCII as octal escapes. */
function escaped(bytes: Buffer): string {
  return bytes
    .toString("latin1")
    .replace(/[\\\x80-\xff]/g, (byte) => `\\0${byte.charCodeAt(0).toString(8).padStart(3, "0")}`);
}
