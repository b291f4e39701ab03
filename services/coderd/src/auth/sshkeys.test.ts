import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomSshKeyPair } from "./sshkeys.js";

test.each(["ed25519", "ecdsa", "rsa4096"] as const)("OpenSSH reads an %s pair as one", async (algorithm) => {
  const { privateKey, publicKey } = await randomSshKeyPair(algorithm);
  const folder = mkdtempSync(join(tmpdir(), "sshkeys-"));
  const file = join(folder, "key");
  writeFileSync(file, privateKey, { mode: 0o600 });
  const derived = execFileSync("ssh-keygen", ["-y", "-f", file], { encoding: "utf8" });
  expect(derived.trim().split(" ").slice(0, 2).join(" ")).toBe(publicKey);
  rmSync(folder, { recursive: true });
});
