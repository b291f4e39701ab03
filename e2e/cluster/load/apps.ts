import { setTimeout as sleep } from "node:timers/promises";
import { createAppVisitor } from "../app-visitor.js";
import type { Ledger } from "./ledger.js";
import type { Asker } from "./requests.js";

const EVERY_MS = 100;

/** Opens a page of a workspace app repeatedly, as a signed-in browser, until `signal` aborts. */
export async function visitApp(
  asker: Asker,
  options: {
    url: string;
    token: string;
    page: string;
    expected: string;
    ledger: Ledger;
    signal: AbortSignal;
  },
): Promise<void> {
  const { page, expected, ledger, signal } = options;
  const visit = createAppVisitor({
    ...options,
    get: async (url, headers) => {
      const answer = await asker.ask({ url, headers });
      if (!answer) throw new Recorded();
      return answer;
    },
  });
  while (!signal.aborted) {
    try {
      const body = await visit(page);
      if (body.trim() !== expected) ledger.fail("failed_requests", `${page} showed ${body.slice(0, 200)}`);
    } catch (error) {
      if (!(error instanceof Recorded)) ledger.fail("failed_requests", (error as Error).message);
    }
    await sleep(EVERY_MS);
  }
}

/** The failure has already been recorded. */
class Recorded extends Error {}
