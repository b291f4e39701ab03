import { execFileSync } from "node:child_process";
import { ROOT } from "./paths.mjs";

let known;

/**
 * The commit being built, with `-dirty` if tracked files have changed since. Outside a checkout, the value of
 * CODER_BUILD_REVISION: images are built from sources without git.
 */
export function revision() {
  known ??= process.env.CODER_BUILD_REVISION || ofCheckout();
  return known;
}

function ofCheckout() {
  const git = (...args) =>
    execFileSync("git", ["-C", ROOT, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  try {
    const commit = git("rev-parse", "--short=12", "HEAD");
    return git("status", "--porcelain", "--untracked-files=no") === "" ? commit : `${commit}-dirty`;
  } catch {
    return "";
  }
}
