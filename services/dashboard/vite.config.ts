import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin, type ProxyOptions, runnerImport } from "vite";
import type * as testing from "./src/testing/routes.js";

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
  const name = "virtual:routes";
  return {
    name: "contract-routes",
    resolveId: (id) => (id === name ? `\0${name}` : undefined),
    async load(id) {
      if (id !== `\0${name}`) return undefined;
      const { module } = await runnerImport<typeof testing>("./src/testing/routes.ts");
      return `export const routes = ${JSON.stringify(module.routes)};`;
    },
  };
}

export default defineConfig({
  plugins: [contractRoutes(), react(), tailwindcss()],
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
