import { registerHooks } from "node:module";

/**
 * Starts the broker of shared servers, in jest's own process, before any test file runs. Jest loads this file without
 * transforms, so Node itself reads the TypeScript below it, where `.js` in an import means the `.ts` beside it.
 */
// biome-ignore lint/style/noDefaultExport: jest calls the default export.
export default async function globalSetup() {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const ours = context.parentURL?.endsWith(".ts") && /^\.{1,2}\/.*\.js$/.test(specifier);
      return next(ours ? specifier.replace(/\.js$/, ".ts") : specifier, context);
    },
  });
  const { startBroker, SOCKET_VARIABLE } = await import("./broker.ts");
  hooks.deregister();
  const broker = await startBroker();
  process.env[SOCKET_VARIABLE] = broker.socketPath;
  globalThis.fleetTestBroker = broker;
}
