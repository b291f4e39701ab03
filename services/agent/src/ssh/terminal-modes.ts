import { existsSync } from "node:fs";
import type { Command } from "../shell/command.js";
import { quoted } from "../shell/own-command.js";

/** Control characters of RFC 4254, section 8, and their names in stty. */
const CHARACTERS: Readonly<Record<string, string>> = {
  VINTR: "intr",
  VQUIT: "quit",
  VERASE: "erase",
  VKILL: "kill",
  VEOF: "eof",
  VEOL: "eol",
  VEOL2: "eol2",
  VSTART: "start",
  VSTOP: "stop",
  VSUSP: "susp",
  VREPRINT: "rprnt",
  VWERASE: "werase",
  VLNEXT: "lnext",
  VDISCARD: "discard",
};
/** Flags of the same section; stty uses the same names in lower case. CS7 and parity only apply to serial lines. */
const FLAGS = new Set(
  (
    "IGNPAR PARMRK INPCK ISTRIP INLCR IGNCR ICRNL IXON IXANY IXOFF IMAXBEL IUTF8 ISIG ICANON ECHO ECHOE ECHOK " +
    "ECHONL NOFLSH TOSTOP IEXTEN ECHOCTL ECHOKE OPOST ONLCR OCRNL ONOCR ONLRET"
  ).split(" "),
);
/** The value of a disabled control character. */
const DISABLED = 255;

/** A client's terminal modes as stty arguments: `erase ^H`, `-ixon`. Modes that do not apply are omitted. */
export function sttySettings(modes: Readonly<Record<string, number | undefined>>): string[][] {
  return Object.entries(modes).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const character = CHARACTERS[name];
    if (character) return [[character, characterWord(value)]];
    if (!FLAGS.has(name)) return [];
    return [[value === 0 ? `-${name.toLowerCase()}` : name.toLowerCase()]];
  });
}

function characterWord(value: number): string {
  if (value === DISABLED) return "^-";
  if (value < 0x20) return `^${String.fromCharCode(value + 0x40)}`;
  if (value === 0x7f) return "^?";
  return value < 0x7f ? String.fromCharCode(value) : String(value);
}

/**
 * Sets the terminal modes and `SSH_TTY` before the program starts, like sshd. If stty does not support one of the
 * modes, the others are still set.
 */
export function onClientsTerminal(
  program: Command,
  modes: Readonly<Record<string, number | undefined>>,
): Command {
  if (process.platform === "win32" || !existsSync("/bin/sh")) return program;
  const settings = sttySettings(modes).map((words) => words.map(quoted).join(" "));
  const lines = ["SSH_TTY=$(tty) && export SSH_TTY || unset SSH_TTY"];
  if (settings.length > 0) {
    const oneByOne = settings.map((setting) => `stty ${setting} 2>/dev/null;`).join(" ");
    lines.push(`stty ${settings.join(" ")} 2>/dev/null || { ${oneByOne} }`);
  }
  lines.push('exec "$@"');
  return { file: "/bin/sh", args: ["-c", lines.join("\n"), "sh", program.file, ...program.args] };
}
