import type { Logger } from "./logger.js";

export type OutageOptions = {
  /** The server's name: `Redis`. */
  what: string;
  /** The setting that configures it, and its value, of which only the address is shown. */
  setting: string;
  url: string;
  /** A sentence about what does not work in the meantime. */
  consequence: string;
  logger: Logger;
};

/** Whether a server that the process depends on is unavailable. An outage is logged when it begins,
 * when its reason changes, and when it ends. */
export type Outage = {
  failed(error: unknown): void;
  recovered(): void;
  /** The message for operators; undefined while the server is available. */
  readonly sentence: string | undefined;
};

export function createOutage({ what, setting, url, consequence, logger }: OutageOptions): Outage {
  let sentence: string | undefined;
  return {
    failed(error) {
      const found = `Could not connect to ${what} at ${addressOf(url)}: ${reasonOf(error)}. ${consequence} Check ${setting}, and that ${what} is running and accepts connections from this host.`;
      if (found !== sentence) logger.error(found);
      sentence = found;
    },
    recovered() {
      if (sentence !== undefined) logger.info(`Connection to ${what} restored.`);
      sentence = undefined;
    },
    get sentence() {
      return sentence;
    },
  };
}

/** The URL without user, password, path and query. */
function addressOf(url: string): string {
  if (!URL.canParse(url)) return "an invalid URL";
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}

/** A host with several addresses fails with one error per address, and no message. */
function reasonOf(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  return (first instanceof Error ? first.message : String(first)).replace(/\.$/, "");
}
