import { execFileSync } from "node:child_process";
import type { TerminalModes } from "ssh2";

/** Characters whose stty names differ from RFC 4254, section 8. */
const CHARACTERS: Record<string, string> = { rprnt: "VREPRINT", flush: "VDISCARD" };
const CHARACTER_NAMES = new Set([
  ...["VINTR", "VQUIT", "VERASE", "VKILL", "VEOF", "VEOL", "VEOL2", "VSTART", "VSTOP", "VSUSP", "VDSUSP"],
  ...["VREPRINT", "VWERASE", "VLNEXT", "VSTATUS", "VDISCARD"],
]);
const FLAGS = new Set([
  ...[
    "IGNPAR",
    "PARMRK",
    "INPCK",
    "ISTRIP",
    "INLCR",
    "IGNCR",
    "ICRNL",
    "IUCLC",
    "IXON",
    "IXANY",
    "IXOFF",
    "IMAXBEL",
  ],
  ...[
    "IUTF8",
    "ISIG",
    "ICANON",
    "XCASE",
    "ECHO",
    "ECHOE",
    "ECHOK",
    "ECHONL",
    "NOFLSH",
    "TOSTOP",
    "IEXTEN",
    "ECHOCTL",
  ],
  ...[
    "ECHOKE",
    "PENDIN",
    "OPOST",
    "OLCUC",
    "ONLCR",
    "OCRNL",
    "ONOCR",
    "ONLRET",
    "CS7",
    "CS8",
    "PARENB",
    "PARODD",
  ],
]);
/** Value of an unset character. */
const UNSET = 255;
/** Timeout of stty, in milliseconds. */
const STTY_LIMIT_MS = 2_000;

/** Settings of the terminal at this descriptor, to apply in the workspace; empty if they cannot be read. */
export function readTerminalModes(descriptor: number): TerminalModes {
  if (process.platform === "win32") return {};
  try {
    const stdio: ("pipe" | "ignore" | number)[] = [descriptor, "pipe", "ignore"];
    return parseTerminalModes(
      execFileSync("stty", ["-a"], { stdio, timeout: STTY_LIMIT_MS, encoding: "utf8" }),
    );
  } catch {
    return {};
  }
}

/** Parses the output of `stty -a`: `erase = ^?;` etc., and flags, with a `-` before disabled ones. */
export function parseTerminalModes(text: string): TerminalModes {
  const modes: Record<string, number> = {};
  for (const [, name, value] of text.matchAll(/\b([a-z0-9]+) = (\S+?);/g)) {
    const key = CHARACTERS[name!] ?? `V${name!.toUpperCase()}`;
    const code = characterCode(value!);
    if (CHARACTER_NAMES.has(key) && code !== undefined) modes[key] = code;
  }
  for (const [, off, name] of text.matchAll(/(?<=^|\s)(-?)([a-z0-9]+)(?=\s|$)/g)) {
    const key = name!.toUpperCase();
    if (FLAGS.has(key)) modes[key] = off ? 0 : 1;
  }
  return modes as TerminalModes;
}

function characterCode(text: string): number | undefined {
  if (text === "<undef>" || text === "undef") return UNSET;
  if (text === "^?") return 127;
  if (/^\^[@-_a-z]$/.test(text)) return text.toUpperCase().charCodeAt(1) & 31;
  return text.length === 1 ? text.charCodeAt(0) : undefined;
}
