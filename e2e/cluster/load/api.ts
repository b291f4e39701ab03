import { setTimeout as sleep } from "node:timers/promises";
import { SESSION_HEADER } from "@fleet/base";

import type { Ledger } from "./ledger.js";
import type { Asker } from "./requests.js";

const PATHS = [
  "/api/v2/users/me",
  "/api/v2/workspaces?q=owner:me",
  "/api/v2/templates",
  "/api/v2/buildinfo",
  "/api/v2/organizations/default/provisionerdaemons",
  "/",
];
const EVERY_MS = 100;

/** Reads the API like dashboards and scripts do, one request after another, until `signal` aborts. */
export async function readApi(
  asker: Asker,
  options: { url: string; token: string; keepAlive: boolean; ledger: Ledger; signal: AbortSignal },
): Promise<void> {
  const { url, token, keepAlive, ledger, signal } = options;
  for (let turn = 0; !signal.aborted; turn++) {
    const path = PATHS[turn % PATHS.length]!;
    const answer = await asker.ask(
      { url: `${url}${path}`, headers: { [SESSION_HEADER]: token } },
      { keepAlive },
    );
    if (answer && answer.status !== 200)
      ledger.fail("failed_requests", `GET ${path} answered ${answer.status}: ${answer.body.slice(0, 200)}`);
    await sleep(EVERY_MS);
  }
}
