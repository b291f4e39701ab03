import { errorMessage, parseBoolean } from "@fleet/base";
import type { ConfigFolder } from "./folder.js";
import type { Keyring } from "./keyring.js";

/** Where the session of the last login is: in the configuration folder, or in the system's keyring. */
export type SessionStore = {
  /** The session's token, if there is one. */
  read(url: string): Promise<string | undefined>;
  write(url: string, token: string): Promise<void>;
  remove(url: string): Promise<void>;
};

export type SessionStoreOptions = {
  config: ConfigFolder;
  /** Undefined where there is none. */
  keyring: Keyring | undefined;
  /** The value of --use-keyring. */
  useKeyring: string | boolean | undefined;
  note(text: string): void;
};

/** A file always works: it is used unless the keyring is asked for, and also if that fails, which is said. */
export function createSessionStore(options: SessionStoreOptions): SessionStore {
  const { config, keyring, useKeyring, note } = options;
  const wanted = useKeyring === true || (typeof useKeyring === "string" && parseBoolean(useKeyring) === true);

  async function storedInKeyring(url: string, token: string): Promise<boolean> {
    try {
      if (!keyring) throw new Error("this system has none");
      await keyring.write(url, token);
      return true;
    } catch (error) {
      note(
        `The token could not be stored in the keyring: ${reasonOf(error)}. It is stored in ${config.path} instead.`,
      );
      return false;
    }
  }

  return {
    async read(url) {
      return (await config.read("session")) ?? (await keyring?.read(url).catch(() => undefined));
    },
    async write(url, token) {
      if (wanted && (await storedInKeyring(url, token))) await config.remove("session");
      else await config.write("session", token);
    },
    async remove(url) {
      if (await config.read("session")) await config.remove("session");
      else await keyring?.remove(url).catch(() => {});
    },
  };
}

function reasonOf(error: unknown): string {
  const { code, path } = error as { code?: string; path?: string };
  return code === "ENOENT" ? `the program ${path} is not installed` : errorMessage(error);
}
