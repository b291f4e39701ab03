import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { systemClock } from "@fleet/base";
import { listen, type ReleaseOptions, serveRelease, type TestRelease } from "../testing/release.js";
import { type FetchOptions, fetchEngine, fetchedPath } from "./fetch.js";
import { probe } from "./probe.js";

async function createMachine(options?: ReleaseOptions) {
  const directory = await mkdtemp(join(tmpdir(), "fleet-engine-"));
  const maker = await serveRelease(options);
  const fetchFrom = (more: Partial<FetchOptions> = {}) =>
    fetchEngine({
      name: "terraform",
      directory,
      mirror: undefined,
      env: {},
      clock: systemClock,
      release: maker.release,
      ...more,
    });
  const target = fetchedPath({ name: "terraform", directory, release: maker.release });
  return {
    maker,
    directory,
    target,
    fetch: fetchFrom,
    async [Symbol.asyncDispose]() {
      await maker[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Ends the connection after some bytes of the archive, the first `times` times. */
function cutOff(
  { archive }: TestRelease,
  times: number,
  bytes: number,
): NonNullable<TestRelease["intercept"]> {
  let left = times;
  return ({ url = "", headers }, response, content) => {
    if (!url.endsWith(archive) || left-- <= 0) return false;
    const from = Number(/\d+/.exec(headers.range ?? "")?.[0] ?? 0);
    const head = {
      "content-length": content.length - from,
      "content-range": `bytes ${from}-/${content.length}`,
    };
    response.writeHead(from > 0 ? 206 : 200, head);
    response.write(content.subarray(from, from + bytes), () => setImmediate(() => response.destroy()));
    return true;
  };
}

test("a release is fetched once, verified and runs", async () => {
  await using machine = await createMachine();
  const path = await machine.fetch();
  expect(path).toBe(machine.target);
  expect(await probe(path, {})).toEqual({ name: "terraform", path, version: "1.99.0" });
  expect((await stat(path)).mode & 0o777).toBe(0o755);
  expect(await readdir(dirname(path))).toEqual(["terraform"]);
});

test("a download that is cut off goes on where it stopped", async () => {
  await using machine = await createMachine({ padding: 300_000 });
  machine.maker.intercept = cutOff(machine.maker, 2, 100_000);
  await machine.fetch();
  const ranges = machine.maker.requests.map(({ range }) => range).filter((range) => range !== undefined);
  expect(ranges).toEqual(["bytes=100000-", "bytes=200000-"]);
});

test("a later start goes on with what an earlier one left behind", async () => {
  await using machine = await createMachine({ padding: 300_000 });
  const { maker, target } = machine;
  maker.intercept = cutOff(maker, Number.POSITIVE_INFINITY, 1);
  const folder = dirname(target);
  await expect(machine.fetch()).rejects.toThrow(/^Terraform 1\.99\.0 could not be downloaded: /);
  const [left] = await readdir(folder);
  const whole = maker.files.get(maker.archive)!;
  await writeFile(join(folder, left!), whole.subarray(0, 123_456));
  await utimes(join(folder, left!), new Date(0), new Date(0));
  maker.requests.length = 0;
  delete maker.intercept;
  await machine.fetch();
  expect(maker.requests.at(-1)).toMatchObject({ range: "bytes=123456-" });
});

test("what was left behind of another file is thrown away", async () => {
  await using machine = await createMachine({ padding: 1000 });
  const { maker, target } = machine;
  await machine.fetch();
  await rm(target);
  for (const left of [new Uint8Array(500), new Uint8Array(500_000)]) {
    const path = join(dirname(target), `${maker.archive}.elsewhere.1.00ff`);
    await writeFile(path, left);
    await utimes(path, new Date(0), new Date(0));
    await machine.fetch();
    expect(await readdir(dirname(target))).toEqual(["terraform"]);
  }
});

test("a server without ranges sends the whole file again", async () => {
  await using machine = await createMachine({ padding: 300_000 });
  const { maker } = machine;
  const cut = cutOff(maker, 1, 100_000);
  maker.intercept = (request, response, content) => {
    delete request.headers.range;
    return cut(request, response, content);
  };
  const { requests } = maker;
  await machine.fetch();
  expect(requests.filter(({ url }) => url.endsWith(maker.archive))).toHaveLength(2);
});

test("daemons that start at once each end with a whole program", async () => {
  await using machine = await createMachine({ padding: 300_000 });
  const paths = await Promise.all(Array.from({ length: 5 }, () => machine.fetch()));
  expect(new Set(paths).size).toBe(1);
  expect(await readFile(machine.target, "utf8")).toContain("Terraform v1.99.0");
  expect(await readdir(dirname(machine.target))).toEqual(["terraform"]);
});

test("a signature by a key that has expired since is valid", async () => {
  await using machine = await createMachine({ expired: true });
  await expect(machine.fetch()).resolves.toBe(machine.target);
});

test.each<[string, ReleaseOptions, (maker: TestRelease) => void, string]>([
  [
    "signed by somebody else",
    { signedBy: "another key" },
    () => {},
    "The signature of SHA256SUMS is not valid",
  ],
  [
    "whose checksums were changed",
    {},
    ({ files }) => files.set("SHA256SUMS", new TextEncoder().encode("0".repeat(64))),
    "The signature of SHA256SUMS is not valid",
  ],
  [
    "whose archive was changed",
    {},
    ({ files, archive }) => files.set(archive, new Uint8Array(1000)),
    "is not the one that its maker signed",
  ],
  ["without a signature", {}, ({ files }) => files.delete("SHA256SUMS.sig"), "answered with status 404"],
  ["without an archive", {}, ({ files, archive }) => files.delete(archive), "answered with status 404"],
])("a release %s is refused, and nothing is installed", async (_what, options, change, sentence) => {
  await using machine = await createMachine(options);
  change(machine.maker);
  await expect(machine.fetch()).rejects.toThrow(sentence);
  await expect(stat(machine.target)).rejects.toThrow("ENOENT");
  expect(await readdir(dirname(machine.target))).toEqual([]);
});

test("a mirror takes the server's place, with a user and password", async () => {
  await using machine = await createMachine();
  const { url, release, requests } = machine.maker;
  release.server = "http://127.0.0.1:1";
  const mirror = `${url.replace("//", "//ana:s3cret@")}/repository/hashicorp/`;
  await machine.fetch({ mirror });
  const authorization = `Basic ${Buffer.from("ana:s3cret").toString("base64")}`;
  expect(requests[0]).toMatchObject({
    url: "/repository/hashicorp/terraform/1.99.0/SHA256SUMS",
    authorization,
  });
  machine.maker.files.clear();
  const failed = await machine.fetch({ mirror }).catch((error) => String(error));
  expect(failed).toContain("answered with status 404");
  expect(failed).not.toContain("s3cret");
});

test("a proxy is used, except for the hosts in NO_PROXY", async () => {
  await using machine = await createMachine();
  const asked: string[] = [];
  const proxy = createServer((incoming, outgoing) => {
    asked.push(incoming.url!);
    const forwarded = request(
      incoming.url!.replace("releases.invalid", new URL(machine.maker.url).host),
      (answer) => {
        outgoing.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(outgoing);
      },
    );
    forwarded.end();
  });
  const env = { HTTP_PROXY: await listen(proxy) };
  try {
    await machine.fetch({ env, mirror: "http://releases.invalid" });
    expect(asked).toHaveLength(3);
    expect(asked[0]).toBe("http://releases.invalid/terraform/1.99.0/SHA256SUMS");
    await machine.fetch({ env: { ...env, NO_PROXY: "127.0.0.1" } });
    expect(asked).toHaveLength(3);
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
});

test("a redirect is followed, without the mirror's password", async () => {
  await using machine = await createMachine();
  const { maker } = machine;
  const front = createServer((incoming, outgoing) => {
    outgoing.writeHead(302, { location: maker.url + incoming.url }).end();
  });
  const mirror = (await listen(front)).replace("//", "//ana:s3cret@");
  try {
    await machine.fetch({ mirror });
    expect(maker.requests.map(({ authorization }) => authorization)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  } finally {
    front.closeAllConnections();
    front.close();
  }
});

test("the last used releases are kept, older ones removed", async () => {
  await using machine = await createMachine();
  const old = ["1.1.0", "1.2.0", "1.3.0", "1.4.0"].map((version) =>
    fetchedPath({
      name: "terraform",
      directory: machine.directory,
      release: { ...machine.maker.release, version },
    }),
  );
  for (const [at, path] of old.entries()) {
    await mkdir(dirname(path), { recursive: true });
    await utimes(dirname(path), at, at);
  }
  await machine.fetch();
  expect((await readdir(join(machine.directory, "terraform"))).sort()).toEqual(["1.3.0", "1.4.0", "1.99.0"]);
});
