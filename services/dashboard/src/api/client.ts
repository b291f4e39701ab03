import { createClient } from "@fleet/sdk/browser";
import { createPulse } from "./pulse.js";

/** Timeout of read requests. */
const READ_MS = 30_000;
const WRITE_MS = 60_000;

/** Tracks whether the deployment that served this page is reachable. */
export const pulse = createPulse({
  async ask(signal) {
    const { status } = await fetch("/healthz", { signal, cache: "no-store" });
    // "Too many requests" is an answer too; proxies answer 502 to 504 if the server is down.
    if (status >= 500) throw new Error(`The server answered ${status}.`);
  },
});

/** API client of the deployment that served this page; the browser sends its session cookie. */
export const client = createClient({ baseUrl: "", fetch: fetchWithin });

/** Aborts reads as soon as the server is lost: they are repeated when it is back. */
async function fetchWithin(url: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  const reads = init.method === "GET";
  const signals = [AbortSignal.timeout(reads ? READ_MS : WRITE_MS)];
  if (init.signal) signals.push(init.signal);
  if (reads) signals.push(pulse.lost());
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.any(signals) });
    pulse.heard();
    return response;
  } catch (error) {
    if (!init.signal?.aborted) pulse.doubt();
    throw error;
  }
}
