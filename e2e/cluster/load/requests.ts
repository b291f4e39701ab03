import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage } from "@fleet/base";
import type { Ledger } from "./ledger.js";

/** How long a client retries if there is no answer, in milliseconds. */
export const PATIENCE_MS = 15_000;
/** Requests that take longer count as failed. */
const ANSWER_MS = 20_000;
const PAUSE_MS = 100;

export type Answer = { status: number; headers: IncomingHttpHeaders; body: string };

export type Asked = {
  method?: string;
  url: string;
  headers?: Record<string, string>;
  body?: string;
};

export type AskerOptions = {
  ledger: Ledger;
  /**
   * Whether a request that is safe to repeat is retried when its connection breaks before an answer, as browsers and
   * CLIs do. Refused connections are always retried, because nothing was sent.
   */
  repeats: boolean;
};

/** Sends and counts requests, and records each failure that a user would have seen. */
export function createAsker({ ledger, repeats }: AskerOptions) {
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });

  function once({ method = "GET", url, headers = {}, body }: Asked, agent: Agent | false): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sending = httpRequest(url, { method, headers, agent, timeout: ANSWER_MS }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.once("error", (error) => reject(new BrokenAnswer(error)));
        response.once("end", () =>
          resolve({ status: response.statusCode!, headers: response.headers, body: text }),
        );
      });
      sending.once("timeout", () => sending.destroy(new Error(`no answer within ${ANSWER_MS} ms`)));
      sending.once("error", reject);
      sending.end(body);
    });
  }

  return {
    /**
     * Returns the answer; undefined if there was none or a 5xx, which is recorded. With `keepAlive`, the connection is
     * reused.
     */
    async ask(asked: Asked, { keepAlive = false } = {}): Promise<Answer | undefined> {
      ledger.count("requests");
      const { method = "GET", url } = asked;
      const until = performance.now() + PATIENCE_MS;
      for (;;) {
        try {
          const answer = await once(asked, keepAlive && kept);
          if (answer.status < 500) return answer;
          ledger.fail(
            "failed_requests",
            `${method} ${url} answered ${answer.status}: ${answer.body.slice(0, 200)}`,
          );
          return undefined;
        } catch (error) {
          const refused = (error as NodeJS.ErrnoException).code === "ECONNREFUSED";
          const again = refused || (repeats && method === "GET");
          if (!again || performance.now() > until) {
            ledger.fail("failed_requests", `${method} ${url}: ${errorMessage(error)}`);
            return undefined;
          }
          ledger.count(refused ? "refused_connections" : "repeats");
          await sleep(PAUSE_MS);
        }
      }
    },
    close: () => kept.destroy(),
  };
}

export type Asker = ReturnType<typeof createAsker>;

class BrokenAnswer extends Error {
  constructor(cause: Error) {
    super(`the answer broke off: ${cause.message}`, { cause });
  }
}
