import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "@fleet/base";
import express, { type Express } from "express";
import { createBinaries } from "./binaries.js";
import { sendError } from "./router.js";

export type StaticOptions = {
  /** The built dashboard. */
  siteDir: string | undefined;
  /** The executables of agent and command line. */
  binDir: string | undefined;
  /** The pages of swagger-ui. */
  swaggerDir: string | undefined;
  logger: Logger;
};

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
  const binaries = createBinaries(options.binDir);
  app.get("/bin/:name", (request, response) => {
    binaries.send(request, response).catch((error) => sendError(error, request, response, options.logger));
  });
  if (options.swaggerDir) mountSwagger(app, options.swaggerDir);
  if (options.siteDir) mountSite(app, options.siteDir);
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
