import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { zipSync } from "fflate";
import { createMessage, enums, generateKey, readPrivateKey, sign } from "openpgp";
import { platform } from "../engine/fetch.js";
import type { Release } from "../engine/releases.js";

const VERSION = "1.99.0";

export type TestRelease = AsyncDisposable & {
  release: Release;
  /** Base URL of the server. */
  url: string;
  /** What was asked for, in order. */
  requests: { method: string; url: string; range: string | undefined; authorization: string | undefined }[];
  /** Content by file name; a test may replace it. */
  files: Map<string, Uint8Array>;
  archive: string;
  /** Answers instead of the server if it returns true. */
  intercept?: (request: IncomingMessage, response: ServerResponse, content: Uint8Array) => boolean;
};

export type ReleaseOptions = {
  /** The program in the archive prints this version. */
  version?: string;
  padding?: number;
  signedBy?: "another key";
  /** The key has expired since it signed. */
  expired?: true;
};

/** A server with a signed release of an engine: a script that answers `version`. Ranges are served. */
export async function serveRelease(options: ReleaseOptions = {}): Promise<TestRelease> {
  const { version = VERSION } = options;
  const signed = new Date(options.expired ? "2020-01-01" : Date.now() - 60_000);
  const maker = await createMaker(signed, options.expired ? 24 * 3600 : 0);
  const signer = options.signedBy ? await createMaker(signed, 0) : maker;
  const archive = `terraform_${VERSION}_${platform()}.zip`;
  const program = new TextEncoder().encode(`#!/bin/sh\necho "Terraform v${version}"\n`);
  // Not compressible, so that the archive has several chunks.
  const padding = Uint8Array.from({ length: options.padding ?? 0 }, () => Math.floor(Math.random() * 256));
  const zip = zipSync({ "LICENSE.txt": padding, terraform: program });
  const sums = new TextEncoder().encode(
    `${sha256(zip)}  ${archive}\n${sha256(padding)}  terraform_other.zip\n`,
  );
  const release: Release = {
    version: VERSION,
    server: "http://127.0.0.1:1",
    pathOf: (file) => `terraform/${VERSION}/${file}`,
    archive: () => archive,
    checksums: "SHA256SUMS",
    signature: "SHA256SUMS.sig",
    key: maker.publicKey,
  };
  const files = new Map([
    [archive, zip],
    ["SHA256SUMS", sums],
    ["SHA256SUMS.sig", await signer.sign(sums)],
  ]);
  const served: Omit<TestRelease, "url" | typeof Symbol.asyncDispose> = {
    release,
    requests: [],
    files,
    archive,
  };
  const server = createServer((request, response) => {
    const { method = "", url = "", headers } = request;
    served.requests.push({ method, url, range: headers.range, authorization: headers.authorization });
    const content = files.get(url.slice(url.lastIndexOf("/") + 1));
    if (!content) return void response.writeHead(404).end();
    if (served.intercept?.(request, response, content)) return;
    serve(content, headers.range, response);
  });
  const url = await listen(server);
  release.server = url;
  return Object.assign(served, {
    url,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

export function listen(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () =>
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    );
  });
}

function serve(content: Uint8Array, range: string | undefined, response: ServerResponse): void {
  const from = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
  if (from >= content.length && from > 0) {
    response.writeHead(416, { "content-range": `bytes */${content.length}` }).end();
  } else if (from > 0) {
    const part = content.subarray(from);
    const contentRange = `bytes ${from}-${content.length - 1}/${content.length}`;
    response.writeHead(206, { "content-range": contentRange, "content-length": part.length }).end(part);
  } else response.writeHead(200, { "content-length": content.length }).end(content);
}

async function createMaker(date: Date, keyExpirationTime: number) {
  const { privateKey, publicKey } = await generateKey({
    type: "ecc",
    userIDs: [{ name: "Maker of releases" }],
    date,
    keyExpirationTime,
    format: "armored",
  });
  return {
    publicKey,
    async sign(content: Uint8Array): Promise<Uint8Array> {
      const signature = await sign({
        message: await createMessage({ binary: content }),
        signingKeys: await readPrivateKey({ armoredKey: privateKey }),
        detached: true,
        format: "binary",
        date,
        config: { preferredHashAlgorithm: enums.hash.sha512 },
      });
      return signature as Uint8Array;
    },
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
