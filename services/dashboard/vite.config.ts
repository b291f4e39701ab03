import { readdir, readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin, type ProxyOptions, runnerImport } from "vite";

const brotli = promisify(zlib.brotliCompress);
const gzip = promisify(zlib.gzip);

/** The deployment that the dev server stands in front of. */
const target = process.env.CODER_URL ?? "http://127.0.0.1:3000";

const toDeployment: ProxyOptions = {
  target,
  changeOrigin: true,
  ws: true,
  configure(proxy) {
    // The server takes session cookies from its own origin only.
    proxy.on("proxyReq", (request) => request.setHeader("Origin", target));
    proxy.on("proxyReqWs", (request) => request.setHeader("Origin", target));
  },
};

/**
 * The contract's routes without their zod schemas, which would be a third of what a first visit fetches: the page sends what
 * TypeScript has checked, and the server checks it again.
 */
function contractRoutes(): Plugin {
  return {
    name: "contract-routes",
    load: {
      filter: { id: /packages[/\\]sdk[/\\]src[/\\]call-specs\.ts$/ },
      async handler(id) {
        const { module } = await runnerImport<{ callSpecs: unknown }>(id);
        return `export const callSpecs = ${JSON.stringify(module.callSpecs)};`;
      },
    },
  };
}

/** Smaller files gain nothing. */
const PACKED_FROM_BYTES = 1024;

/** Puts packed copies beside the files, which the server sends to browsers that take them: packing is done once, and well. */
function packedCopies(): Plugin {
  return {
    name: "packed-copies",
    apply: "build",
    async closeBundle() {
      const site = new URL("../../dist/site/", import.meta.url);
      const files = await readdir(site, { recursive: true });
      await Promise.all(
        files
          .filter((file) => /\.(js|css|svg|html)$/.test(file))
          .map(async (file) => {
            const bytes = await readFile(new URL(file, site));
            if (bytes.length < PACKED_FROM_BYTES) return;
            await writeFile(new URL(`${file}.br`, site), await brotli(bytes));
            await writeFile(new URL(`${file}.gz`, site), await gzip(bytes, { level: 9 }));
          }),
      );
    },
  };
}

export default defineConfig({
  plugins: [contractRoutes(), react(), tailwindcss(), packedCopies()],
  build: {
    outDir: "../../dist/site",
    emptyOutDir: true,
    // The page's policy allows no data: fonts or scripts; small images may stay inline.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 400,
  },
  server: {
    host: "127.0.0.1",
    proxy: {
      "/api": toDeployment,
      "/bin": toDeployment,
      "^/@[^/]+/[^/]+/apps/": toDeployment,
    },
  },
});
