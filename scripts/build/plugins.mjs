import { readFile } from "node:fs/promises";

/**
 * Optional native parts of ssh2, ws and pg. These packages work without them, and a bundle cannot contain them:
 * requiring one fails as if it were not installed.
 */
export const absentNatives = {
  name: "absent-natives",
  setup(build) {
    const filter = /(^|\/)(cpu-features|sshcrypto\.node|bufferutil|utf-8-validate|pg-native)$/;
    build.onResolve({ filter }, ({ path }) => ({ path, namespace: "absent" }));
    build.onLoad({ filter: /.*/, namespace: "absent" }, ({ path }) => ({
      contents: `throw Object.assign(new Error("${path} is not part of this bundle."), { code: "MODULE_NOT_FOUND" });`,
    }));
  },
};

/** bullmq can keep its queues in Postgres and requires the driver for it. Ours are in Redis. */
export const absentQueueDriver = {
  name: "absent-queue-driver",
  setup(build) {
    build.onResolve({ filter: /^pg$/ }, ({ path, importer }) =>
      /[/\\]bullmq[/\\]/.test(importer) ? { path, namespace: "absent" } : undefined,
    );
  },
};

/**
 * node-pty's addons: the single executable tells where its copies are (globalThis.__ptyNativeFolder); beside a
 * plain bundle they are files of the same names.
 */
export const ptyAddon = {
  name: "pty-addon",
  setup(build) {
    const place = (file) => `require("node:path").join(globalThis.__ptyNativeFolder ?? __dirname, ${file})`;
    build.onLoad({ filter: /node-pty[/\\]requireBinary\.js$/ }, () => ({
      contents: `
        exports.requireBinary = (file) => {
          const addon = { exports: {} };
          process.dlopen(addon, ${place("file")});
          return addon.exports;
        };`,
    }));
    // On macOS a helper program beside the addon opens terminals.
    build.onLoad({ filter: /node-pty[/\\]unixTerminal\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const contents = source.replace("require.resolve(helperPath)", place('"spawn-helper"'));
      if (contents === source) throw new Error("node-pty's code for finding spawn-helper has changed.");
      return { contents };
    });
  },
};

/**
 * The contract's routes without their schemas, whose construction would take most of the time that the command line
 * takes to start: `call-specs.ts` is evaluated here, and replaced by its value.
 */
export const callSpecs = {
  name: "call-specs",
  setup(build) {
    build.onLoad({ filter: /packages[/\\]sdk[/\\]src[/\\]call-specs\.ts$/ }, async ({ path }) => {
      const { outputFiles } = await build.esbuild.build({
        entryPoints: [path],
        bundle: true,
        platform: "node",
        format: "esm",
        write: false,
      });
      const url = `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`;
      const { callSpecs } = await import(url);
      return { contents: `export const callSpecs = ${JSON.stringify(callSpecs)};` };
    });
  },
};
