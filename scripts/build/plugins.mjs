/**
 * Optional native parts of ssh2, ws and pg. Each of those packages works without, and a bundle cannot hold them:
 * asking for one fails as it does where it is not installed.
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

/**
 * node-pty's addon: the single executable says where it has put its copy (globalThis.__ptyNativePath); beside a plain
 * bundle it is the file pty.node.
 */
export const ptyAddon = {
  name: "pty-addon",
  setup(build) {
    build.onLoad({ filter: /node-pty[/\\]requireBinary\.js$/ }, () => ({
      contents: `
        exports.requireBinary = (file) => {
          const addon = { exports: {} };
          process.dlopen(addon, globalThis.__ptyNativePath ?? require("node:path").join(__dirname, file));
          return addon.exports;
        };`,
    }));
  },
};
