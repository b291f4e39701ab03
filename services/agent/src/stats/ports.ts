import { readdir, readFile, readlink } from "node:fs/promises";
import { basename } from "node:path";
import { MIN_PORT } from "@fleet/base";

/** A socket that waits for connections. */
export type ListeningPort = { port: number; network: string; processName: string };

/** Ports of one report, and processes that are looked at to name them. */
const PORT_LIMIT = 256;
const PROCESS_LIMIT = 2_000;
/** Programs may write any title. In characters. */
const MAX_NAME_LENGTH = 64;
/** The state LISTEN of Linux's net/tcp_states.h, as /proc/net/tcp writes it. */
const LISTEN = "0A";

/** What listens on TCP in this network namespace, lowest port first. Elsewhere than on Linux: nothing is known. */
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

/** The commands of the processes that hold these sockets; those of other users cannot be seen. */
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
 * The command, as `ps` shows it, without its folder and arguments. The kernel's `comm` is the name of a thread, which
 * programs set as they like ("MainThread" in Node), and is cut after 15 bytes.
 */
async function commandOf(folder: string): Promise<string> {
  const [first = ""] = (await readFile(`${folder}/cmdline`, "utf8").catch(() => "")).split("\0");
  // A program that renames itself writes a title there: "nginx: master process /usr/sbin/nginx". A login shell: "-bash".
  const title = /^([\w.+-]+): /.exec(first)?.[1];
  const name = title ?? basename(first).replace(/^-/, "");
  if (name !== "") return name.slice(0, MAX_NAME_LENGTH);
  const executable = await readlink(`${folder}/exe`).catch(() => "");
  return basename(executable.replace(/ \(deleted\)$/, ""));
}
