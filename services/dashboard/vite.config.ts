import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type ProxyOptions } from "vite";

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

export default defineConfig({
  plugins: [react(), tailwindcss()],
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
