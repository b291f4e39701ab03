import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { type Header, pack } from "tar-stream";
import { packFiles, packFolder, readArchive, unpackArchive } from "./archive.js";
import { ARCHIVE_LIMITS, TAR_MIMETYPE } from "./limits.js";

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
  ["a path that climbs", [{ name: "../evil.tf" }], "leaves the template's folder"],
  ["a path that climbs in its middle", [{ name: "a/../../evil.tf" }], "leaves the template's folder"],
  ["an absolute path", [{ name: "/etc/passwd" }], "is absolute"],
  ["a drive letter", [{ name: "C:/x" }], "is absolute"],
  ["a backslash", [{ name: "a\\..\\b" }], "characters that no file may have"],
  ["a symbolic link", [{ name: "x", type: "symlink", linkname: "/etc" }], "is a symlink"],
  ["a hard link", [{ name: "x", type: "link", linkname: "y" }], "is a link"],
  ["a device", [{ name: "x", type: "character-device" }], "is a character-device"],
  [
    "a file that is a folder too",
    [
      { name: "a", body: "1" },
      { name: "a/b", body: "2" },
    ],
    "both a file and a folder",
  ],
] as const)("a tar with %s is refused", async (_what, entries, message) => {
  await using folder = await temporary();
  const bytes = await tarOf(entries as unknown as Parameters<typeof tarOf>[0]);
  await expect(unpackArchive(bytes, TAR_MIMETYPE, folder.path)).rejects.toMatchObject({
    code: "invalid_argument",
    message: expect.stringContaining(message),
  });
});

test("too many files and too many bytes are refused before they are written", async () => {
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

test("another type of file is refused and says what is possible", async () => {
  await expect(readArchive(new Uint8Array(), "text/plain")).rejects.toThrow("Upload a tar");
});

test("a folder packs the same each time, without terraform's own files, and unpacks as it was", async () => {
  await using folder = await temporary();
  await using target = await temporary();
  await mkdir(join(folder.path, "modules/.terraform"), { recursive: true });
  await writeFile(join(folder.path, "main.tf"), "# main");
  await writeFile(join(folder.path, "terraform.tfstate"), "secret");
  await writeFile(join(folder.path, "modules/.terraform/x"), "big");
  await writeFile(join(folder.path, "modules/y.tf"), "# y");
  const bytes = await packFolder(folder.path);
  expect(await packFolder(folder.path)).toEqual(bytes);
  await unpackArchive(bytes, TAR_MIMETYPE, target.path);
  expect((await readdir(target.path)).sort()).toEqual(["main.tf", "modules"]);
  expect(await readFile(join(target.path, "modules/y.tf"), "utf8")).toBe("# y");
  expect((await stat(join(target.path, "main.tf"))).mode & 0o777).toBe(0o600);
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
