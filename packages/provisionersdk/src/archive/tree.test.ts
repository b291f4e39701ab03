import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { type Header, pack } from "tar-stream";
import { packTree, unpackTree } from "./tree.js";

const LIMITS = { entries: 20, totalBytes: 10_000 };

async function temporary() {
  const path = await mkdtemp(join(tmpdir(), "fleet-tree-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function writeTree(folder: string): Promise<void> {
  await mkdir(join(folder, "pod/sub/.git"), { recursive: true });
  await writeFile(join(folder, "modules.json"), "{}");
  await writeFile(join(folder, "pod/run.sh"), "#!/bin/sh");
  await chmod(join(folder, "pod/run.sh"), 0o755);
  await writeFile(join(folder, "pod/.hidden"), "kept");
  await writeFile(join(folder, "pod/sub/.git/HEAD"), String(Math.random()));
  await symlink("../run.sh", join(folder, "pod/sub/link"));
}

test("the bytes of an archive do not depend on how fast its files are read", async () => {
  await using place = await temporary();
  const folder = join(place.path, "folder");
  await writeTree(folder);
  // Ends within a block, and at the end of one (the tar's own headers and end included).
  for (const length of [4_000, 128 * 1024 * 3 - 1024 - 512]) {
    await rm(folder, { recursive: true });
    await mkdir(folder);
    await writeFile(join(folder, "main.tf"), "x".repeat(length));
    const hashes = new Set<string>();
    for (let turn = 0; turn < 40; turn++) {
      const limits = { entries: 1, totalBytes: length };
      const files = Array.from({ length: 1 + (turn % 4) }, (_, at) => join(place.path, `${at}.tar.zst`));
      const packed = await Promise.all(files.map((file) => packTree(folder, file, { limits })));
      for (const { sha256 } of packed) hashes.add(sha256);
    }
    expect(hashes.size).toBe(1);
  }
});

test("a folder is packed into the same bytes whenever its files are the same, and comes back as it was", async () => {
  await using place = await temporary();
  const packed = await Promise.all(
    ["a", "b"].map(async (name) => {
      const folder = join(place.path, name);
      await writeTree(folder);
      await utimes(join(folder, "modules.json"), 1, name === "a" ? 1 : 2);
      return packTree(folder, `${folder}.tar.zst`, { limits: LIMITS, leaveOut: [".git"] });
    }),
  );
  expect(packed[0]).toEqual(packed[1]);
  expect((await stat(join(place.path, "a.tar.zst"))).size).toBe(packed[0]!.size);

  const target = join(place.path, "target");
  await mkdir(target);
  await unpackTree(join(place.path, "a.tar.zst"), target, { limits: LIMITS, fileMode: 0o444 });
  expect((await readdir(target, { recursive: true })).sort()).toEqual([
    "modules.json",
    "pod",
    "pod/.hidden",
    "pod/run.sh",
    "pod/sub",
    "pod/sub/link",
  ]);
  expect((await stat(join(target, "pod/run.sh"))).mode & 0o777).toBe(0o555);
  expect((await stat(join(target, "modules.json"))).mode & 0o777).toBe(0o444);
  expect(await readlink(join(target, "pod/sub/link"))).toBe("../run.sh");
  expect(await readFile(join(target, "pod/sub/link"), "utf8")).toBe("#!/bin/sh");
});

test("a folder that an archive cannot hold is refused", async () => {
  await using place = await temporary();
  const folder = join(place.path, "tree");
  await mkdir(folder);
  const attempt = (limits = LIMITS) => packTree(folder, join(place.path, "x"), { limits });
  await symlink("/etc/passwd", join(folder, "out"));
  await expect(attempt()).rejects.toThrow('"out" is a symbolic link to "/etc/passwd"');
  await rm(join(folder, "out"));
  await writeFile(join(folder, "big"), "x".repeat(100));
  await expect(attempt({ entries: 10, totalBytes: 99 })).rejects.toThrow("larger than");
  await writeFile(join(folder, "second"), "");
  await expect(attempt({ entries: 1, totalBytes: 1000 })).rejects.toThrow("more than 1 files");
});

async function archiveOf(file: string, headers: (Partial<Header> & { name: string; body?: string })[]) {
  const writer = pack();
  for (const { body, ...header } of headers) writer.entry(header, body ?? "");
  writer.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of writer) chunks.push(chunk as Buffer);
  await writeFile(file, zstdCompressSync(Buffer.concat(chunks)));
}

test.each([
  ["a path that climbs", [{ name: "../evil" }], "is outside"],
  ["a link that leads out", [{ name: "x", type: "symlink" as const, linkname: "../.." }], "outside"],
  [
    "a file through a link",
    [
      { name: "x", type: "symlink" as const, linkname: "." },
      { name: "x/y", body: "1" },
    ],
    'inside the symbolic link "x"',
  ],
  [
    "a name that comes twice",
    [
      { name: "x", body: "1" },
      { name: "x", body: "2" },
    ],
    "corrupt",
  ],
  ["a device", [{ name: "x", type: "character-device" as const }], "character-device"],
  ["more than the limit", [{ name: "x", body: "x".repeat(10_001) }], "larger than"],
])("an archive with %s is refused, and nothing is written outside", async (_what, headers, message) => {
  await using place = await temporary();
  const file = join(place.path, "x.tar.zst");
  await archiveOf(file, headers);
  const folder = join(place.path, "in/folder");
  await mkdir(folder, { recursive: true });
  await expect(unpackTree(file, folder, { limits: LIMITS })).rejects.toThrow(message);
  expect(await readdir(join(place.path, "in"))).toEqual(["folder"]);
});

test("bytes that are no archive are refused", async () => {
  await using place = await temporary();
  await writeFile(join(place.path, "x"), "hello");
  await expect(unpackTree(join(place.path, "x"), place.path, { limits: LIMITS })).rejects.toThrow("corrupt");
});
