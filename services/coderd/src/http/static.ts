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
  /** The built dashboard. */
  siteDir: string | undefined;
  /** The executables of agent and command line. */
  binDir: string | undefined;
  /** The pages of swagger-ui. */
  swaggerDir: string | undefined;
  logger: Logger;
};

/** Answers a path, decoded; false where it is not its own. */
type Serve = (path: string, request: Request, response: Response) => Promise<boolean>;

const ONE_YEAR_SECONDS = 31_536_000;
const READS = new Set(["GET", "HEAD"]);

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

/** Serves what is not the API: executables, the API's document for people, and the dashboard at its own pages. */
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

/** Undefined for a path that cannot be decoded, or that no file system takes: there is nothing. */
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

/** The files of the dashboard, packed as the browser takes them; and its page at those addresses that are its own. */
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
    // Names under assets hold a hash of what is in them.
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

/** A file of the folder by its own name: not the page, which is sent with its policy, and not a packed copy. */
function isAsset(path: string): boolean {
  const hidden = path.split("/").some((segment) => segment.startsWith("."));
  return (
    !hidden && !path.endsWith("/") && !path.includes("\\") && path !== "/index.html" && !isPackedPath(path)
  );
}

/** Its tag is made of the size and time of the copy that is sent, so that each encoding has its own. */
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
      // A client that leaves early is no failure; there is nobody to tell it to.
      if (error && !response.headersSent && !response.destroyed) reject(error);
      else resolve();
    });
  });
}
