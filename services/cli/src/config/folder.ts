import { chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Files of the configuration folder, also used by existing installations and the editor extensions. */
export type ConfigFile = "url" | "session" | "organization";

export type ConfigFolder = {
  readonly path: string;
  read(file: ConfigFile): Promise<string | undefined>;
  /** Replaces the file atomically, readable by its owner only. */
  write(file: ConfigFile, text: string): Promise<void>;
  remove(file: ConfigFile): Promise<void>;
};

/** `~/.config/coderv2`, or in XDG_CONFIG_HOME. */
export function defaultConfigPath(env: Record<string, string | undefined>): string {
  const base = env.XDG_CONFIG_HOME || join(env.HOME || homedir(), ".config");
  return join(base, "coderv2");
}

export function createConfigFolder(folder: string): ConfigFolder {
  const path = resolve(folder);
  return {
    path,
    async read(file) {
      const text = await readFile(join(path, file), "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return "";
        throw error;
      });
      return text.trim() || undefined;
    },
    async write(file, text) {
      await mkdir(path, { recursive: true, mode: 0o700 });
      const draft = join(path, `.${file}.${process.pid}`);
      await writeFile(draft, text, { mode: 0o600 });
      await chmod(draft, 0o600);
      await rename(draft, join(path, file));
    },
    remove: (file) => rm(join(path, file), { force: true }),
  };
}
