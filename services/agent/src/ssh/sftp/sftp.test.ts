import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client, ClientChannel } from "ssh2";
import { startAgent, type TestAgent } from "../../testing/agent.js";
import { execute, openssh, sshClient } from "../../testing/ssh.js";
import { waitFor } from "../../testing/wait.js";
import { createPacketSplitter, PacketReader, packet, STATUS, string, TYPE, uint32, uint64 } from "./wire.js";

let agent: TestAgent;
let client: Client;
beforeAll(async () => {
  agent = await startAgent();
  client = await sshClient(agent);
});
afterAll(async () => {
  client.end();
  await agent[Symbol.asyncDispose]();
});

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const sftp = (batch: string) => openssh(agent, "sftp", ["-b", "-", "127.0.0.1"], batch);
/** A name that is valid in no encoding but Latin-1. */
const STRANGE = Buffer.from("caf\xe9 \xff", "latin1");
const inFolder = (folder: string, name: Buffer) => Buffer.concat([Buffer.from(`${folder}/`), name]);

/** A client that sends packets as they are, since no library sends names that are not UTF-8. */
async function rawClient(through = client) {
  const channel = await new Promise<ClientChannel>((resolve, reject) => {
    through.subsys("sftp", (error, opened) => (error ? reject(error) : resolve(opened)));
  });
  const split = createPacketSplitter();
  const answers: Buffer[] = [];
  channel.on("data", (chunk: Buffer) => answers.push(...split(chunk)));
  channel.write(packet(TYPE.init, uint32(3)));
  const version = await waitFor(() => answers.shift());
  let id = 0;
  return {
    version,
    channel,
    async ask(type: number, ...fields: Buffer[]) {
      channel.write(packet(type, uint32(++id), ...fields));
      const answer = new PacketReader(await waitFor(() => answers.shift()));
      const kind = answer.byte();
      expect(answer.uint32()).toBe(id);
      return { kind, fields: answer, status: kind === TYPE.status ? answer.uint32() : undefined };
    },
  };
}

test("the extensions of OpenSSH's server are offered", async () => {
  const { version } = await rawClient();
  const reader = new PacketReader(version);
  expect([reader.byte(), reader.uint32()]).toEqual([TYPE.version, 3]);
  const offered: Record<string, string> = {};
  while (reader.left > 0) offered[reader.text()] = reader.text();
  expect(offered).toEqual({
    "posix-rename@openssh.com": "1",
    "statvfs@openssh.com": "2",
    "fstatvfs@openssh.com": "2",
    "hardlink@openssh.com": "1",
    "fsync@openssh.com": "1",
    "lsetstat@openssh.com": "1",
    "limits@openssh.com": "1",
    "expand-path@openssh.com": "1",
    "copy-data": "1",
    "home-directory": "1",
    "users-groups-by-id@openssh.com": "1",
  });
});

test("a name that is not UTF-8 is listed, opened, renamed and removed byte for byte", async () => {
  const folder = join(agent.home, "strange");
  await mkdir(folder);
  await writeFile(inFolder(folder, STRANGE), "content");
  const raw = await rawClient();
  const { fields: opened } = await raw.ask(TYPE.opendir, string(folder));
  const list = await raw.ask(TYPE.readdir, string(opened.string()));
  const names = Array.from({ length: list.fields.uint32() }, () => {
    const [name, long] = [list.fields.string(), list.fields.string()];
    expect(long.subarray(-name.length)).toEqual(name);
    list.fields.uint32();
    for (const field of [8, 4, 4, 4, 4, 4]) field === 8 ? list.fields.uint64() : list.fields.uint32();
    return name;
  });
  expect(names).toContainEqual(STRANGE);
  const other = Buffer.from("\xfe", "latin1");
  const rename = [string(inFolder(folder, STRANGE)), string(inFolder(folder, other))];
  expect((await raw.ask(TYPE.rename, ...rename)).status).toBe(STATUS.ok);
  const { fields: file } = await raw.ask(TYPE.open, string(inFolder(folder, other)), uint32(1), uint32(0));
  const data = await raw.ask(TYPE.read, string(file.string()), uint64(0), uint32(100));
  expect(data.fields.text()).toBe("content");
  const real = await raw.ask(TYPE.realpath, string(inFolder(`${folder}/../strange`, other)));
  real.fields.uint32();
  expect(real.fields.string()).toEqual(inFolder(folder, other));
  expect((await raw.ask(TYPE.remove, string(inFolder(folder, other)))).status).toBe(STATUS.ok);
  expect(readdirSync(folder)).toEqual([]);
});

test("OpenSSH's sftp works with such names, in all of its commands", async () => {
  const [folder, local] = [join(agent.home, "all"), await mkdtemp(join(tmpdir(), "sftp-local-"))];
  await mkdir(folder);
  await writeFile(inFolder(folder, STRANGE), "content");
  await writeFile(join(folder, "old"), "old");
  await writeFile(join(folder, "fresh"), "fresh");
  const result = await sftp(
    [
      `cd ${folder}`,
      "df .",
      "ln old hard",
      "ln -s old soft",
      "rename fresh old",
      "copy old copied",
      "chmod 640 copied",
      `get * ${local}`,
      "mkdir made",
      "ls -la",
      "cd",
      "pwd",
      "",
    ].join("\n"),
  );
  expect(result).toMatchObject({ code: 0, stderr: "" });
  expect(String(result.stdout)).toContain(`Remote working directory: ${agent.home}`);
  expect(readFileSync(inFolder(local, STRANGE), "utf8")).toBe("content");
  expect(await readFile(join(folder, "old"), "utf8")).toBe("fresh");
  expect(await readFile(join(folder, "hard"), "utf8")).toBe("old");
  expect(await readFile(join(folder, "copied"), "utf8")).toBe("fresh");
  expect(statSync(join(folder, "copied")).mode & 0o777).toBe(0o640);
});

test("statvfs, limits, user names and the home folder are reported", async () => {
  const raw = await rawClient();
  const ask = async (name: string, ...fields: Buffer[]) =>
    (await raw.ask(TYPE.extended, string(name), ...fields)).fields;
  const fileSystem = await ask("statvfs@openssh.com", string("/"));
  const [bsize, frsize, blocks] = [fileSystem.uint64(), fileSystem.uint64(), fileSystem.uint64()];
  const df = execFileSync("stat", ["-f", "-c", "%S %b", "/"], { encoding: "utf8" }).trim();
  expect(`${frsize} ${blocks}`).toBe(df);
  expect(bsize).toBe(frsize);
  const limits = await ask("limits@openssh.com");
  expect([limits.uint64(), limits.uint64(), limits.uint64(), limits.uint64()]).toEqual([
    262_144, 261_120, 261_120, 1_024,
  ]);
  const names = await ask(
    "users-groups-by-id@openssh.com",
    string(uint32(0)),
    string(Buffer.concat([uint32(0), uint32(4_000_000)])),
  );
  expect(new PacketReader(names.string()).text()).toBe("root");
  const groups = new PacketReader(names.string());
  expect([groups.text(), groups.text()]).toEqual(["root", ""]);
  const home = await ask("home-directory", string(""));
  home.uint32();
  expect(home.text()).toBe(agent.home);
  const expanded = await ask("expand-path@openssh.com", string("~/x/../y"));
  expanded.uint32();
  expect(expanded.text()).toBe(join(agent.home, "y"));
  expect((await raw.ask(TYPE.extended, string("none@example.com"))).status).toBe(STATUS.unsupported);
  expect((await raw.ask(TYPE.extended, string("constructor"))).status).toBe(STATUS.unsupported);
});

test("a range is copied within the server, and lsetstat changes the link itself", async () => {
  const [from, to, link] = ["from", "to", "link"].map((name) => join(agent.home, `copy-${name}`));
  const content = randomBytes(1_000_000);
  await writeFile(from!, content);
  await writeFile(to!, "0123456789");
  await symlink(from!, link!);
  await utimes(from!, 1_000, 1_000);
  const raw = await rawClient();
  const open = async (path: string, flags: number) =>
    string((await raw.ask(TYPE.open, string(path), uint32(flags), uint32(0))).fields.string());
  const [source, target] = [await open(from!, 1), await open(to!, 2)];
  const copy = [source, uint64(100), uint64(500_000), target, uint64(5)];
  expect((await raw.ask(TYPE.extended, string("copy-data"), ...copy)).status).toBe(STATUS.ok);
  const copied = await readFile(to!);
  expect(copied.subarray(0, 5).toString()).toBe("01234");
  expect(sha256(copied.subarray(5))).toBe(sha256(content.subarray(100, 500_100)));
  const overlap = [source, uint64(0), uint64(0), source, uint64(5)];
  expect((await raw.ask(TYPE.extended, string("copy-data"), ...overlap)).status).toBe(STATUS.failure);
  expect((await raw.ask(TYPE.extended, string("fsync@openssh.com"), target)).status).toBe(STATUS.ok);
  const times = Buffer.concat([uint32(8), uint32(2_000), uint32(3_000)]);
  expect((await raw.ask(TYPE.extended, string("lsetstat@openssh.com"), string(link!), times)).status).toBe(0);
  expect((await stat(from!)).mtimeMs).toBe(1_000_000);
});

test("a named pipe without a writer blocks nothing", async () => {
  const pipe = join(agent.home, "pipe");
  execFileSync("mkfifo", [pipe]);
  const raw = await rawClient();
  // More than the agent has threads for files.
  for (let at = 0; at < 8; at++) {
    expect((await raw.ask(TYPE.open, string(pipe), uint32(1), uint32(0))).kind).toBe(TYPE.handle);
  }
});

test("a client that disconnects during a download leaves no file open", async () => {
  const file = join(agent.home, "endless");
  await writeFile(file, Buffer.alloc(8_000_000));
  const isOpen = () =>
    readdirSync("/proc/self/fd").some((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === file;
      } catch {
        return false;
      }
    });
  const another = await sshClient(agent);
  const raw = await rawClient(another);
  const { fields } = await raw.ask(TYPE.open, string(file), uint32(1), uint32(0));
  expect(isOpen()).toBe(true);
  const handle = string(fields.string());
  raw.channel.pause(); // It takes no answers.
  for (let at = 0; at < 64; at++) {
    raw.channel.write(packet(TYPE.read, uint32(100 + at), handle, uint64(0), uint32(250_000)));
  }
  await waitFor(() => raw.channel.readableLength > 1_000_000);
  another.end();
  await waitFor(() => !isOpen());
});

test("invalid SFTP data ends only that session, with a message", async () => {
  const raw = await rawClient();
  let told = "";
  raw.channel.stderr.on("data", (chunk: Buffer) => {
    told += chunk;
  });
  const closed = new Promise((resolve) => raw.channel.once("close", resolve));
  raw.channel.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 1]));
  await closed;
  expect(told).toBe("The SFTP client sent a malformed packet.\n");
  expect((await execute(client, "true")).code).toBe(0);
});

test("scp and rsync keep names that are not UTF-8, modes and links", async () => {
  const folder = join(agent.home, "carry");
  await mkdir(folder);
  const content = randomBytes(300_000);
  await writeFile(inFolder(folder, STRANGE), content, { mode: 0o751 });
  await symlink("nowhere", join(folder, "dangling"));
  const port = await agent.deployment.sshPort();
  const shell = `ssh -p ${port} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR`;
  const to = await mkdtemp(join(tmpdir(), "carry-"));
  const rsync = await openssh(agent, "rsync", ["-a", "-e", shell, `127.0.0.1:${folder}/`, to], "", {}, false);
  expect(rsync).toMatchObject({ code: 0, stderr: "" });
  expect(sha256(readFileSync(inFolder(to, STRANGE)))).toBe(sha256(content));
  expect(statSync(inFolder(to, STRANGE)).mode & 0o777).toBe(0o751);
  for (const protocol of ["-s", "-O"]) {
    await rm(inFolder(to, STRANGE));
    const args = [protocol, "-p", "-r", "127.0.0.1:~/carry/caf*", to];
    expect(await openssh(agent, "scp", args)).toMatchObject({ code: 0 });
    expect(sha256(readFileSync(inFolder(to, STRANGE)))).toBe(sha256(content));
  }
});

const withSshfs = existsSync("/dev/fuse") && existsSync("/usr/bin/sshfs") ? test : test.skip;

withSshfs("sshfs mounts it, where the machine lets it", async () => {
  const mount = await mkdtemp(join(tmpdir(), "sshfs-"));
  const port = await agent.deployment.sshPort();
  const options = `port=${port},StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null`;
  const child = spawn("sshfs", ["-f", "-o", options, `127.0.0.1:${agent.home}`, mount], { stdio: "ignore" });
  const ended = new Promise<boolean>((resolve) => child.once("exit", () => resolve(true)));
  const mounted = await Promise.race([
    ended.then(() => false),
    waitFor(() => readFileSync("/proc/mounts", "utf8").includes(mount)).then(() => true),
  ]);
  if (!mounted) return; // No right to mount here.
  await writeFile(join(mount, "by-sshfs"), "over the wire");
  expect(await readFile(join(agent.home, "by-sshfs"), "utf8")).toBe("over the wire");
  execFileSync("fusermount3", ["-u", mount]);
  await ended;
});
