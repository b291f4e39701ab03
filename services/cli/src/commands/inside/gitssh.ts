import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { ExitStatus } from "../../exit-status.js";
import { agentClient } from "./agent-client.js";

/** Keys that ssh tries by default, in order. Naming any key on its command line disables the defaults. */
const OWN_KEYS = ["id_ed25519", "id_ecdsa", "id_rsa"];

/** Git runs it instead of ssh: GIT_SSH_COMMAND="coder gitssh --". */
export function gitSshCommand(context: Context): Command {
  return new Command("gitssh")
    .summary("Run ssh with your Coder SSH key")
    .description("Run ssh with your Coder SSH key. Used by Git within a workspace.")
    .argument("<ssh-arguments...>")
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (args: string[]) => {
      const client = await agentClient(context);
      const { private_key } = await client.agentSelfGitSshKey();
      const folder = await mkdtemp(join(tmpdir(), "coder-gitssh-"));
      try {
        const keyFile = join(folder, "key");
        await writeFile(keyFile, private_key.endsWith("\n") ? private_key : `${private_key}\n`, {
          mode: 0o600,
        });
        const keys = OWN_KEYS.map((name) => join(homedir(), ".ssh", name)).filter((path) => existsSync(path));
        const identities = [...keys, keyFile].flatMap((path) => ["-i", path]);
        const child = spawn("ssh", [...identities, ...args], { stdio: "inherit" });
        const [code] = (await once(child, "close")) as [number | null];
        if (code !== 0) throw new ExitStatus(code ?? 255);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
}
