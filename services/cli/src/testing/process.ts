/** Node's own reading of TypeScript, with `.js` in our imports meaning the `.ts` beside it. */
const LOADER = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  registerHooks({
    resolve: (name, context, next) =>
      next(context.parentURL?.endsWith(".ts") && /^\\.{1,2}\\//.test(name) ? name.replace(/\\.js$/, ".ts") : name, context),
  });`)}`;

/** How to run the command line as a process of its own: for tests that need a terminal or signals. */
export function spawnableCli(args: readonly string[], home: string) {
  return {
    command: process.execPath,
    args: ["--import", LOADER, new URL("../main.ts", import.meta.url).pathname, ...args],
    env: { HOME: home, PATH: process.env.PATH, TERM: "xterm-256color" },
  };
}
