/** Node's TypeScript support, with `.js` imports resolved to the `.ts` file. */
const LOADER = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  registerHooks({
    resolve: (name, context, next) =>
      next(context.parentURL?.endsWith(".ts") && /^\\.{1,2}\\//.test(name) ? name.replace(/\\.js$/, ".ts") : name, context),
  });`)}`;

/** Runs the CLI as a separate process, for tests that need a terminal or signals. */
export function spawnableCli(args: readonly string[], home: string) {
  return {
    command: process.execPath,
    args: ["--import", LOADER, new URL("../main.ts", import.meta.url).pathname, ...args],
    env: { HOME: home, PATH: process.env.PATH, TERM: "xterm-256color" },
  };
}
