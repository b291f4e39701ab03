import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { createTestCoderd } from "../testing/coderd.js";

const PROGRAM = Buffer.concat([randomBytes(300_000), Buffer.alloc(700_000)]);
const NAME = "coder-linux-amd64";
const ETAG = `"${createHash("sha1").update(PROGRAM).digest("hex")}"`;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fleet-bin-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Sends exactly the given request and decompresses nothing. */
function get(url: string, headers: Record<string, string> = {}, method = "GET"): Promise<IncomingMessage> {
  return new Promise((resolve, reject) =>
    request(url, { method, headers }, resolve).once("error", reject).end(),
  );
}

test.each([
  ["packed only", [".zst"]],
  ["as it is", [""]],
  ["both ways", ["", ".zst"]],
])("a binary stored %s is sent in an encoding that the client accepts", async (_how, endings) => {
  for (const ending of endings)
    await writeFile(join(folder, `${NAME}${ending}`), ending ? zstdCompressSync(PROGRAM) : PROGRAM);
  await using server = await createTestCoderd({ env: { CODER_BIN_DIR: folder } });
  const url = `${server.coderd.httpUrl}/bin/${NAME}`;

  for (const accepted of ["", "gzip, deflate, br", "zstd;q=0"]) {
    const answer = await get(url, accepted ? { "accept-encoding": accepted } : {});
    expect(answer.headers).toMatchObject({
      etag: ETAG,
      "content-type": "application/octet-stream",
      "content-length": String(PROGRAM.length),
      "x-original-content-length": String(PROGRAM.length),
    });
    expect(answer.headers["content-encoding"]).toBeUndefined();
    expect((await buffer(answer)).equals(PROGRAM)).toBe(true);
  }

  const answer = await get(url, { "accept-encoding": "gzip, zstd" });
  const body = await buffer(answer);
  const packed = endings.includes(".zst");
  expect(answer.headers["content-encoding"]).toBe(packed ? "zstd" : undefined);
  expect(answer.headers["content-length"]).toBe(String(body.length));
  expect((packed ? zstdDecompressSync(body) : body).equals(PROGRAM)).toBe(true);

  const known = await get(url, { "if-none-match": ETAG });
  expect([known.statusCode, (await buffer(known)).length]).toEqual([304, 0]);
  const head = await get(url, {}, "HEAD");
  expect([head.headers["content-length"], (await buffer(head)).length]).toEqual([String(PROGRAM.length), 0]);
});

test("a damaged or missing binary is rejected", async () => {
  const packed = zstdCompressSync(PROGRAM);
  await writeFile(join(folder, `${NAME}.zst`), packed.subarray(0, packed.length / 2));
  await using server = await createTestCoderd({ env: { CODER_BIN_DIR: folder } });
  const statusOf = async (name: string) => (await get(`${server.coderd.httpUrl}/bin/${name}`)).statusCode;
  expect(await statusOf(NAME)).toBe(500);
  expect(await statusOf("coder-linux-arm64")).toBe(404);
  expect(await statusOf(`${NAME}.zst`)).toBe(404);
});
