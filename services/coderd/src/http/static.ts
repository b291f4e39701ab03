import { extname, join } from "node:path";
import type { Logger } from "@fleet/base";
import { isDashboardPage } from "@fleet/sdk";
import express, { type Express, type Request, type Response } from "express";
import { sendError } from "./answer.js";
import { createBinaries } from "./binaries.js";
import { type Encoding, negotiate } from "./encoding.js";
import { findPacked, isPackedPath, packedPath } from "./packed-file.js";
import { methodNotAllowed } from "./refusal.js";
import { targetOf } from "./target.js";

export type StaticOptions = {
  /** Folder of the built dashboard. */
  siteDir: string | undefined;
  /** Folder of the agent and CLI executables. */
  binDir: string | undefined;
  /** Folder of swagger-ui. */
  swaggerDir: string | undefined;
  logger: Logger;
};

/** Serves a decoded path; false if the path is not handled here. */
type Serve = (path: string, request: Request, response: Response) => Promise<boolean>;

const ONE_YEAR_SECONDS = 31_536_000;
const READS = new Set(["GET", "HEAD"]);

/**
 * Scripts load only from this origin, and nothing may frame the dashboard. Inline styles are allowed because the
 * terminal uses them. Images may load from anywhere over HTTPS: templates and users set icons and avatars by URL.
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

/** Serves everything outside the API: executables, the API reference, and the dashboard at its own pages. */
export function mountStatic(app: Express, options: StaticOptions): void {
  if (options.swaggerDir) mountSwagger(app, options.swaggerDir);
  const binaries = createBinaries(options.binDir);
  const serves: Serve[] = [
    async (path, request, response) => {
      const [, name] = /^\/bin\/([^/]+)$/.exec(path) ?? [];
      if (name === undefined) return false;
      await binaries.send(name, request, response);
      return true;
    },
    ...(options.siteDir ? [serveSite(options.siteDir)] : []),
  ];

  app.use((request, response, next) => {
    const path = decoded(targetOf(request).pathname);
    if (path === undefined) return next();
    (async () => {
      for (const serve of serves) if (await serve(path, request, response)) return;
      next();
    })().catch((error) => sendError(error, request, response, options.logger));
  });
}

/** Undefined for a path that cannot be decoded or is not a valid file path: nothing exists there. */
function decoded(pathname: string): string | undefined {
  try {
    const path = decodeURIComponent(pathname);
    return path.includes("\0") ? undefined : path;
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
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

/** Serves dashboard files, compressed as the browser accepts, and the dashboard page at its own routes. */
function serveSite(dir: string): Serve {
  return async (path, request, response) => {
    const page = isDashboardPage(path);
    const file = page ? "/index.html" : path;
    if (!page && !isAsset(path)) return false;
    const found = await findPacked(join(dir, file));
    if (!found?.plain) return false;
    if (!READS.has(request.method)) throw methodNotAllowed(request.method, [...READS]);
    if (page) {
      response.setHeader("Content-Security-Policy", CONTENT_SECURITY_POLICY);
      response.setHeader("X-Frame-Options", "DENY");
    }
    // Names under assets contain a content hash.
    const forever = file.startsWith("/assets/");
    response.setHeader(
      "Cache-Control",
      forever ? `public, max-age=${ONE_YEAR_SECONDS}, immutable` : "no-cache",
    );
    const encoding = negotiate(request.headers["accept-encoding"]?.toString(), [...found.packed.keys()]);
    await sendFile(dir, file, encoding, response);
    return true;
  };
}

/** A file that may be served by name: not the page, which needs its CSP header, nor a compressed copy. */
function isAsset(path: string): boolean {
  const hidden = path.split("/").some((segment) => segment.startsWith("."));
  return (
    !hidden && !path.endsWith("/") && !path.includes("\\") && path !== "/index.html" && !isPackedPath(path)
  );
}

/** The ETag comes from the size and mtime of the copy sent, so each encoding has its own. */
function sendFile(
  dir: string,
  file: string,
  encoding: Encoding | undefined,
  response: Response,
): Promise<void> {
  const name = file.slice(1);
  response.setHeader("Vary", "Accept-Encoding");
  response.type(extname(name) || ".bin");
  if (encoding) response.setHeader("Content-Encoding", encoding);
  return new Promise((resolve, reject) => {
    const sent = encoding ? packedPath(name, encoding) : name;
    response.sendFile(sent, { root: dir, cacheControl: false }, (error) => {
      // A client disconnecting is not an error.
      if (error && !response.headersSent && !response.destroyed) reject(error);
      else resolve();
    });
  });
}
