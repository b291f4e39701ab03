import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { FleetError, type Logger } from "@fleet/base";
import express, { type Express, type Request, type Response } from "express";
import { sendError } from "./router.js";

export type StaticOptions = {
  /** The built dashboard. */
  siteDir: string | undefined;
  /** The executables of agent and command line: `coder-<os>-<arch>[.exe]`, with `.gz` beside them. */
  binDir: string | undefined;
  /** The pages of swagger-ui. */
  swaggerDir: string | undefined;
  logger: Logger;
};

const BINARY = /^coder-(?:linux|darwin|windows)-(?:amd64|arm64|armv7)(?:\.exe)?$/;
const ONE_YEAR_SECONDS = 31_536_000;

/**
 * Scripts come from this origin alone, and nothing frames the dashboard. Styles may stand inline: the terminal draws
 * with them. Images may come from anywhere over HTTPS: templates and users name icons and avatars by URL.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' https: data:",
  "connect-src 'self'",
  "font-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** Serves what is not the API: executables, the API's document for people, and the dashboard for every other page. */
export function mountStatic(app: Express, options: StaticOptions): void {
  const digests = createDigests();
  app.get("/bin/:name", (request, response) => {
    sendBinary(request, response, options.binDir, digests).catch((error) =>
      sendError(error, request, response, options.logger),
    );
  });
  if (options.swaggerDir) mountSwagger(app, options.swaggerDir);
  if (options.siteDir) mountSite(app, options.siteDir);
}

type Digests = (path: string, mtimeMs: number) => Promise<string>;

/** The sha1 of a file in hex, read once for each version of it: clients compare their own copy by it. */
function createDigests(): Digests {
  const known = new Map<string, Promise<string>>();
  return (path, mtimeMs) => {
    const key = `${path}:${mtimeMs}`;
    const digest = known.get(key) ?? sha1(path);
    known.set(key, digest);
    digest.catch(() => known.delete(key));
    return digest;
  };
}

async function sha1(path: string): Promise<string> {
  const hash = createHash("sha1");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

async function sendBinary(
  request: Request,
  response: Response,
  dir: string | undefined,
  digests: Digests,
): Promise<void> {
  const name = String(request.params.name);
  const path = dir && BINARY.test(name) ? join(dir, name) : undefined;
  const file = path && (await stat(path).catch(() => undefined));
  if (!path || !file) {
    throw new FleetError(
      "not_found",
      `This deployment has no ${name}. Its agents and command line run on the platforms that it was built for.`,
    );
  }
  const etag = `"${await digests(path, file.mtimeMs)}"`;
  response.setHeader("ETag", etag);
  response.setHeader("Cache-Control", "no-cache");
  response.setHeader("Vary", "Accept-Encoding");
  if (request.headers["if-none-match"] === etag) {
    response.status(304).end();
    return;
  }
  // Clients compare the media type letter by letter.
  response.setHeader("Content-Type", "application/octet-stream");
  response.setHeader("X-Original-Content-Length", String(file.size));
  const packed = await stat(`${path}.gz`).catch(() => undefined);
  const gzip = packed !== undefined && /\bgzip\b/.test(request.headers["accept-encoding"] ?? "");
  if (gzip) response.setHeader("Content-Encoding", "gzip");
  response.setHeader("Content-Length", String(gzip ? packed.size : file.size));
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  const stream = createReadStream(gzip ? `${path}.gz` : path);
  response.once("close", () => stream.destroy());
  stream.once("error", () => response.destroy());
  stream.pipe(response);
}

function mountSwagger(app: Express, dir: string): void {
  app.get("/swagger/swagger-initializer.js", (_request, response) => {
    response
      .type("text/javascript")
      .send(
        'window.onload = () => { window.ui = SwaggerUIBundle({ url: "/api/v2/openapi.json", dom_id: "#swagger-ui" }); };',
      );
  });
  app.use("/swagger", express.static(dir, { maxAge: "1h" }));
}

function mountSite(app: Express, dir: string): void {
  const index = join(dir, "index.html");
  app.use(
    express.static(dir, {
      index: false,
      setHeaders(response, path) {
        // Names under assets hold a hash of what is in them.
        const forever = path.startsWith(join(dir, "assets"));
        response.setHeader(
          "Cache-Control",
          forever ? `public, max-age=${ONE_YEAR_SECONDS}, immutable` : "no-cache",
        );
      },
    }),
  );
  app.get(/.*/, (request, response, next) => {
    if (/^\/(?:api|assets|bin|swagger)\//.test(request.path)) return next();
    readFile(index, "utf8").then((page) => {
      response.setHeader("Content-Security-Policy", CONTENT_SECURITY_POLICY);
      response.setHeader("X-Frame-Options", "DENY");
      response.setHeader("Cache-Control", "no-cache");
      response.type("text/html").send(page);
    }, next);
  });
}
