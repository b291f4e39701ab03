import { isUtf8 } from "node:buffer";
import type { Command } from "./command.js";

/**
 * A command of any bytes in the user's shell, as sshd runs it: a file's name in it need not be UTF-8. Node hands on
 * UTF-8 alone, so a POSIX shell puts other bytes in place and then becomes the user's.
 */
export function shellCommandOfBytes(run: (text: string) => Command, bytes: Buffer): Command {
  if (isUtf8(bytes)) return run(bytes.toString("utf8"));
  const { file, args } = run(escaped(bytes));
  const script = 'exec "$@" "$(printf %b "$0")"';
  return { file: "/bin/sh", args: ["-c", script, args.at(-1)!, file, ...args.slice(0, -1)] };
}

/** For printf's `%b`: everything but plain ASCII is an octal number. */
function escaped(bytes: Buffer): string {
  return bytes
    .toString("latin1")
    .replace(/[\\\x80-\xff]/g, (byte) => `\\0${byte.charCodeAt(0).toString(8).padStart(3, "0")}`);
}
