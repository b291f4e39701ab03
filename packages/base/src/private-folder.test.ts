import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPrivateFolder, makeFolder } from "./private-folder.js";

const place = () => mkdtempSync(join(tmpdir(), "private-folder-"));

test("it is created in the preferred place, accessible only to this user", () => {
  const preferred = join(place(), "a", "b");
  const folder = createPrivateFolder("x-", { preferred: [preferred] });
  expect(folder.startsWith(join(preferred, "x-"))).toBe(true);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
});

test("a place that is not writable is skipped", () => {
  const file = join(place(), "file");
  writeFileSync(file, "");
  const next = place();
  // Root may write anywhere, but not below a file.
  expect(createPrivateFolder("x-", { preferred: [join(file, "sub"), next] }).startsWith(next)).toBe(true);
});

test("a place without enough space is skipped, and nothing is left there", () => {
  const [full, next] = [place(), place()];
  const folder = createPrivateFolder("x-", {
    preferred: [full, next],
    fill(made) {
      if (made.startsWith(full)) throw Object.assign(new Error("no space"), { code: "ENOSPC" });
      writeFileSync(join(made, "content"), "here");
    },
  });
  expect(readFileSync(join(folder, "content"), "utf8")).toBe("here");
  expect(readdirSync(full)).toEqual([]);
});

test("a place whose path is too long for a socket is skipped", () => {
  const long = join(place(), "l".repeat(100));
  mkdirSync(long);
  const folder = createPrivateFolder("x-", { preferred: [long], maxPathBytes: 90 });
  expect(folder.length).toBeLessThanOrEqual(90);
});

test("without a usable place, the error says what to do", () => {
  const fill = () => {
    throw Object.assign(new Error("read-only"), { code: "EROFS" });
  };
  expect(() => createPrivateFolder("x-", { fill })).toThrow(
    /^No writable directory for temporary files. Set TMPDIR to a writable directory. Tried: .*\(EROFS\)/,
  );
});

test("parent folders are created, and a failure is reported", () => {
  const deep = join(place(), "a", "b", "c");
  makeFolder(deep, 0o700);
  makeFolder(deep);
  expect(statSync(deep).mode & 0o777).toBe(0o700);
  expect(() => makeFolder("/proc/no/such")).toThrow("ENOENT");
  const file = join(place(), "file");
  writeFileSync(file, "");
  expect(() => makeFolder(file)).toThrow("EEXIST");
  expect(() => makeFolder(join(file, "a", "b"))).toThrow("ENOTDIR");
});
