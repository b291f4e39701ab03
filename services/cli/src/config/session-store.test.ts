import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConfigFolder } from "./folder.js";
import { systemKeyring } from "./keyring.js";
import { createSessionStore } from "./session-store.js";

const URL = "https://coder.example.com";
const TOKEN = "abcdefghij-0123456789";

let home: string;
let notes: string[];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "coder-keyring-"));
  notes = [];
});
afterEach(() => rm(home, { recursive: true, force: true }));

/** A store on a system whose `secret-tool` is this shell script. */
async function storeWith(script: string | undefined, useKeyring?: string | boolean) {
  const bin = join(home, "bin");
  await mkdir(bin, { recursive: true });
  if (script !== undefined) {
    await writeFile(join(bin, "secret-tool"), `#!/bin/sh\n${script}`);
    await chmod(join(bin, "secret-tool"), 0o755);
  }
  const keyring = systemKeyring("linux", {
    PATH: script === undefined ? bin : `${bin}:/usr/bin:/bin`,
    KEPT: join(home, "kept"),
  });
  const config = createConfigFolder(join(home, "config"));
  return {
    config,
    store: createSessionStore({ config, keyring, useKeyring, note: (text) => notes.push(text) }),
  };
}

/** Keeps the secret of standard input in a file, and the arguments beside it. */
const WORKING = `case "$1" in
  store) cat >"$KEPT"; shift; echo "$*" >"$KEPT.args" ;;
  lookup) [ -e "$KEPT" ] && cat "$KEPT" ;;
  clear) rm "$KEPT" ;;
esac`;

test("the keyring has the token when asked for, and no file and no command line has it", async () => {
  const { config, store } = await storeWith(WORKING, true);
  await config.write("session", "an earlier one");
  await store.write(URL, TOKEN);
  expect(await config.read("session")).toBeUndefined();
  expect(await readFile(join(home, "kept"), "utf8")).toBe(TOKEN);
  expect(await readFile(join(home, "kept.args"), "utf8")).toBe(
    `--label=Coder (${URL}) service coder-v2-credentials url ${URL}\n`,
  );
  // Later commands find it without the flag.
  const later = (await storeWith(WORKING)).store;
  expect(await later.read(URL)).toBe(TOKEN);
  await later.remove(URL);
  expect(await later.read(URL)).toBeUndefined();
  expect(notes).toEqual([]);
});

test.each([undefined, "false", false])(
  "with --use-keyring %s, the token is in a file",
  async (useKeyring) => {
    const { config, store } = await storeWith(WORKING, useKeyring);
    await store.write(URL, TOKEN);
    expect(await store.read(URL)).toBe(TOKEN);
    expect((await stat(join(config.path, "session"))).mode & 0o777).toBe(0o600);
    await expect(stat(join(home, "kept"))).rejects.toThrow("ENOENT");
    await store.remove(URL);
    expect(await store.read(URL)).toBeUndefined();
  },
);

test.each([
  ["is not there", undefined, "the program secret-tool is not installed"],
  ["is locked", "echo 'Cannot prompt' >&2; exit 1", "Cannot prompt"],
])("a keyring that %s is told, and the file is used", async (_what, script, reason) => {
  const { config, store } = await storeWith(script, "true");
  await store.write(URL, TOKEN);
  expect(notes).toEqual([
    `The token could not be stored in the keyring: ${reason}. It is stored in ${config.path} instead.`,
  ]);
  expect(await store.read(URL)).toBe(TOKEN);
});
