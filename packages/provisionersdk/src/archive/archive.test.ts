import { chmod, mkdir, mkdtemp, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { zipSync } from "fflate";
import { type Header, pack } from "tar-stream";
import { packFiles, packFolder, readArchive, unpackArchive, writeEntries } from "./archive.js";
import type { ArchiveEntry } from "./entry.js";
import { ARCHIVE_LIMITS, TAR_MIMETYPE } from "./limits.js";
import { packZip } from "./zip.js";

async function tarOf(entries: (Partial<Header> & { name: string; body?: string })[]): Promise<Uint8Array> {
  const writer = pack();
  for (const { body, ...header } of entries) writer.entry(header, body ?? "");
  writer.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of writer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function temporary() {
  const path = await mkdtemp(join(tmpdir(), "fleet-archive-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

test.each([
  ["a path that climbs", [{ name: "../evil.tf" }], "is outside the template's directory"],
  ["a path that climbs in its middle", [{ name: "a/../../evil.tf" }], "is outside the template's directory"],
  ["an absolute path", [{ name: "/etc/passwd" }], "is absolute"],
  ["a drive letter", [{ name: "C:/x" }], "is absolute"],
  ["a backslash", [{ name: "a\\..\\b" }], "contains invalid characters"],
  [
    "a link to an absolute path",
    [{ name: "x", type: "symlink", linkname: "/etc" }],
    '"x" is a symbolic link to "/etc"',
  ],
  [
    "a link that leads out",
    [{ name: "a/x", type: "symlink", linkname: "../../y" }],
    "outside the template's directory",
  ],
  [
    "links that lead out together",
    [
      { name: "a/b/up", type: "symlink", linkname: "../.." },
      { name: "x", type: "symlink", linkname: "a/b/up/../y" },
    ],
    '"x" is a symbolic link to "a/b/up/../y", outside',
  ],
  [
    "a file below a link",
    [
      { name: "a", type: "symlink", linkname: "b" },
      { name: "a/x", body: "1" },
    ],
    '"a/x" is inside the symbolic link',
  ],
  [
    "a hard link to nothing",
    [{ name: "x", type: "link", linkname: "y" }],
    'is a hard link to "y", which is not in the archive',
  ],
  ["a device", [{ name: "x", type: "character-device" }], "is a character-device"],
  [
    "a file that is a folder too",
    [
      { name: "a", body: "1" },
      { name: "a/b", body: "2" },
    ],
    "both a file and a directory",
  ],
] as const)("a tar with %s is refused", async (_what, entries, message) => {
  await using folder = await temporary();
  const bytes = await tarOf(entries as unknown as Parameters<typeof tarOf>[0]);
  await expect(unpackArchive(bytes, TAR_MIMETYPE, folder.path)).rejects.toMatchObject({
    code: "invalid_argument",
    message: expect.stringContaining(message),
  });
});

test("too many files or bytes are rejected before they are written", async () => {
  const many = zipSync(
    Object.fromEntries(
      Array.from({ length: ARCHIVE_LIMITS.entries + 1 }, (_, i) => [`f${i}`, new Uint8Array()]),
    ),
  );
  await expect(readArchive(many, "application/zip")).rejects.toThrow("more than 10000 files");
  const bomb = zipSync({ "zeros.tf": new Uint8Array(ARCHIVE_LIMITS.totalBytes + 1) });
  expect(bomb.length).toBeLessThan(1_000_000);
  await expect(readArchive(bomb, "application/zip")).rejects.toThrow("larger than 64 MiB");
});

test.each([TAR_MIMETYPE, "application/zip"])(
  "damaged bytes as %s are refused with a sentence",
  async (mimetype) => {
    await expect(readArchive(new Uint8Array(700).fill(7), mimetype)).rejects.toThrow("Upload it again.");
  },
);

test("another file type is rejected with the supported ones", async () => {
  await expect(readArchive(new Uint8Array(), "text/plain")).rejects.toThrow("Upload a tar");
});

test("packing a folder is deterministic, and unpacking restores modes, links and the lock file", async () => {
  await using folder = await temporary();
  await using target = await temporary();
  const at = (path: string) => join(folder.path, path);
  await mkdir(at("modules/vpc"), { recursive: true });
  await writeFile(at("main.tf"), "# main");
  await writeFile(at(".terraform.lock.hcl"), "# lock");
  await writeFile(at("modules/vpc/y.tf"), "# y");
  await writeFile(at("make.sh"), "#!/bin/sh");
  await chmod(at("make.sh"), 0o755);
  await symlink("modules/vpc", at("network"));
  await symlink("main.tf", at("linked.tf"));
  await symlink(at("main.tf"), at("modules/absolute.tf"));
  await symlink("nowhere", at("dangling"));
  const { bytes, hidden } = await packFolder(folder.path);
  expect((await packFolder(folder.path)).bytes).toEqual(bytes);
  expect(hidden).toEqual([]);
  await unpackArchive(bytes, TAR_MIMETYPE, target.path);
  const unpacked = (path: string) => join(target.path, path);
  expect(await readFile(unpacked("network/y.tf"), "utf8")).toBe("# y");
  expect(await readlink(unpacked("dangling"))).toBe("nowhere");
  expect(await readlink(unpacked("modules/absolute.tf"))).toBe("../main.tf");
  const mode = async (path: string) => (await stat(unpacked(path))).mode & 0o777;
  expect([await mode("main.tf"), await mode("make.sh")]).toEqual([0o600, 0o700]);
  expect(await readFile(unpacked(".terraform.lock.hcl"), "utf8")).toBe("# lock");
  // Readers of the archive get a linked file's text without following links.
  const entries = await readArchive(bytes, TAR_MIMETYPE);
  expect(Buffer.from(entries.find(({ path }) => path === "linked.tf")!.bytes).toString()).toBe("# main");
});

test("hidden files, state and variable values are not packed, and files that may be missed are named", async () => {
  await using folder = await temporary();
  for (const path of [".git/config", ".terraform/x", ".ssh/id", "files/.env", "main.tf", "files/y.txt"]) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true });
    await writeFile(join(folder.path, path), "x");
  }
  const names = [
    "terraform.tfstate",
    "terraform.tfstate.1700000000.backup",
    "terraform.tfvars",
    "a.auto.tfvars.json",
  ];
  for (const name of [...names, "prod.tfvars"]) await writeFile(join(folder.path, name), "secret");
  const { bytes, hidden } = await packFolder(folder.path);
  expect((await readArchive(bytes, TAR_MIMETYPE)).map(({ path }) => path)).toEqual([
    "files/y.txt",
    "main.tf",
  ]);
  expect(hidden).toEqual([".ssh", "files/.env"]);
});

test("a link out of the folder is rejected by name", async () => {
  await using folder = await temporary();
  await symlink("../shared", join(folder.path, "modules"));
  await expect(packFolder(folder.path)).rejects.toThrow('"modules" is a symbolic link to "../shared"');
});

test("a hard link is unpacked as a copy", async () => {
  const bytes = await tarOf([
    { name: "a", body: "1" },
    { name: "b", type: "link", linkname: "a" },
  ]);
  const entries = await readArchive(bytes, TAR_MIMETYPE);
  expect(entries.map(({ path, bytes: content }) => [path, Buffer.from(content).toString()])).toEqual([
    ["a", "1"],
    ["b", "1"],
  ]);
});

test("entries replace existing files, and are never written through a link", async () => {
  await using folder = await temporary();
  await using outside = await temporary();
  await writeFile(join(outside.path, "x"), "kept");
  await symlink(join(outside.path, "x"), join(folder.path, "x"));
  await symlink(outside.path, join(folder.path, "sub"));
  await writeFile(join(folder.path, "run"), "old", { mode: 0o700 });
  const bytes = await packFiles({ x: "new", "sub/x": "new", run: "new" });
  await writeEntries(await readArchive(bytes, TAR_MIMETYPE), folder.path);
  expect(await readFile(join(outside.path, "x"), "utf8")).toBe("kept");
  for (const path of ["x", "sub/x"]) expect(await readFile(join(folder.path, path), "utf8")).toBe("new");
  expect((await stat(join(folder.path, "run"))).mode & 0o777).toBe(0o600);
});

test("a zip made on Unix keeps modes and links", async () => {
  const text = (value: string) => new TextEncoder().encode(value);
  const unix = (mode: number) => ({ os: 3, attrs: mode * 2 ** 16 });
  const zip = zipSync({
    "make.sh": [text("#!/bin/sh"), unix(0o100755)],
    link: [text("make.sh"), unix(0o120777)],
  });
  expect(await readArchive(zip, "application/zip")).toMatchObject([
    { path: "make.sh", type: "file", executable: true },
    { path: "link", type: "symlink", target: "make.sh", bytes: text("#!/bin/sh") },
  ]);
});

test("a zip unpacks like a tar", async () => {
  const zip = zipSync({
    "./main.tf": new TextEncoder().encode("x"),
    "sub/": new Uint8Array(),
    "sub/y.tf": new Uint8Array([1]),
  });
  expect((await readArchive(zip, "application/zip")).map(({ path, type }) => [path, type])).toEqual([
    ["main.tf", "file"],
    ["sub", "directory"],
    ["sub/y.tf", "file"],
  ]);
  expect(await readArchive(await packFiles({ "a.tf": "1" }), TAR_MIMETYPE)).toMatchObject([{ path: "a.tf" }]);
});

test("zipping keeps modes and links, and is deterministic", async () => {
  const plain = { executable: false, bytes: new Uint8Array() };
  const text = new TextEncoder().encode("text");
  const entries: ArchiveEntry[] = [
    { ...plain, path: "bin", type: "directory" },
    { ...plain, path: "bin/run.sh", type: "file", executable: true, bytes: text },
    { ...plain, path: "main.tf", type: "file", bytes: text },
    { ...plain, path: "run", type: "symlink", target: "bin/run.sh" },
  ];
  const zip = packZip(entries);
  const [folder, script, main, link] = entries;
  // Reading an archive follows its links.
  const read = [folder, script, main, { ...link, bytes: text }];
  expect(await readArchive(zip, "application/zip")).toEqual(read);
  expect(packZip(entries)).toEqual(zip);
});
