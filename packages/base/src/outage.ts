import type { Logger } from "./logger.js";

export type OutageOptions = {
  /** What the server is: `Redis`. */
  what: string;
  /** The setting that names it, and its value, of which no more than the address is told. */
  setting: string;
  url: string;
  /** A sentence that says what does not work meanwhile. */
  consequence: string;
  logger: Logger;
};

/** Whether a server that the process stands on is away. An outage is logged when it begins,
 * when its reason changes, and when it ends. */
export type Outage = {
  failed(error: unknown): void;
  recovered(): void;
  /** What an operator is told; undefined while all is well. */
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

/** A host with several addresses fails with one error for each, and no message. */
function reasonOf(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  return (first instanceof Error ? first.message : String(first)).replace(/\.$/, "");
}
