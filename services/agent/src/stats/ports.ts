import { readdir, readFile, readlink } from "node:fs/promises";
import { basename } from "node:path";
import { MIN_PORT } from "@fleet/base";

/** A listening socket. */
export type ListeningPort = { port: number; network: string; processName: string };

/** Maximum number of ports in a report, and of processes that are inspected for their names. */
const PORT_LIMIT = 256;
const PROCESS_LIMIT = 2_000;
/** Maximum length of a process name, in characters. */
const MAX_NAME_LENGTH = 64;
/** TCP_LISTEN in /proc/net/tcp (Linux's net/tcp_states.h). */
const LISTEN = "0A";

/** Listening TCP ports of this network namespace, lowest first. Empty on systems other than Linux. */
export async function listeningPorts(proc = "/proc"): Promise<ListeningPort[]> {
  const tables = await Promise.all(
    ["net/tcp", "net/tcp6"].map((name) => readFile(`${proc}/${name}`, "utf8").catch(() => "")),
  );
  const inodes = new Map<number, string>();
  for (const line of tables.flatMap((table) => table.split("\n").slice(1))) {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    const port = Number.parseInt(local?.split(":")[1] ?? "", 16);
    if (state === LISTEN && inode && port >= MIN_PORT && inodes.size < PORT_LIMIT) inodes.set(port, inode);
  }
  if (inodes.size === 0) return [];
  const names = await processesOf(new Set(inodes.values()), proc);
  return [...inodes]
    .sort(([a], [b]) => a - b)
    .map(([port, inode]) => ({ port, network: "tcp", processName: names.get(inode) ?? "" }));
}

/** The commands of the processes that own these sockets; processes of other users are not visible. */
async function processesOf(inodes: ReadonlySet<string>, proc: string): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  const pids = (await readdir(proc)).filter((name) => /^\d+$/.test(name));
  for (const pid of pids.slice(0, PROCESS_LIMIT)) {
    if (names.size === inodes.size) break;
    const files = await readdir(`${proc}/${pid}/fd`).catch(() => []);
    for (const file of files) {
      const target = await readlink(`${proc}/${pid}/fd/${file}`).catch(() => "");
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (!inode || !inodes.has(inode) || names.has(inode)) continue;
      names.set(inode, await commandOf(`${proc}/${pid}`));
    }
  }
  return names;
}

/**
 * The command as in `ps`, without its folder and arguments. The kernel's `comm` is a thread name, which programs may
 * change ("MainThread" in Node), and is truncated to 15 bytes.
 */
async function commandOf(folder: string): Promise<string> {
  const [first = ""] = (await readFile(`${folder}/cmdline`, "utf8").catch(() => "")).split("\0");
  // Programs may set a title there, such as "nginx: master process /usr/sbin/nginx"; a login shell has "-bash".
  const title = /^([\w.+-]+): /.exec(first)?.[1];
  const name = title ?? basename(first).replace(/^-/, "");
  if (name !== "") return name.slice(0, MAX_NAME_LENGTH);
  const executable = await readlink(`${folder}/exe`).catch(() => "");
  return basename(executable.replace(/ \(deleted\)$/, ""));
}
