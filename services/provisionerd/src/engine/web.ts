import { Agent as HttpAgent, get as httpGet, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, get as httpsGet } from "node:https";

/** Without a byte for this long, a transfer has failed. */
const IDLE_MS = 20_000;
const MAX_REDIRECTS = 5;

/** An answer other than success; `status` decides whether to try again. */
export class HttpError extends Error {
  constructor(
    readonly url: string,
    readonly status: number,
  ) {
    super(`${url} answered with status ${status}.`);
  }
}

export type Web = {
  /** GET, with redirects followed. The caller reads or destroys the body. Rejects for statuses of 400 and above. */
  open(url: string, headers?: Readonly<Record<string, string>>): Promise<IncomingMessage>;
  close(): void;
};

/** An HTTP client that goes through the proxy of HTTPS_PROXY, HTTP_PROXY and NO_PROXY in `env`. */
export function createWeb(env: Readonly<Record<string, string | undefined>>): Web {
  const agents = { "http:": new HttpAgent({ proxyEnv: env }), "https:": new HttpsAgent({ proxyEnv: env }) };

  function request(url: URL, headers: Readonly<Record<string, string>>): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const get = url.protocol === "https:" ? httpsGet : httpGet;
      const agent = agents[url.protocol as keyof typeof agents];
      if (!agent) return reject(new Error(`${shown(url)} is not an HTTP address.`));
      const asked = get(url, { agent, headers }, resolve);
      asked.once("error", reject);
      // Also ends the body: it belongs to the same socket.
      asked.setTimeout(IDLE_MS, () => asked.destroy(new Error(`${shown(url)} did not answer in time.`)));
    });
  }

  return {
    async open(address, headers = {}) {
      let url = new URL(address);
      for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
        const response = await request(url, headers);
        const { statusCode: status = 0 } = response;
        const { location } = response.headers;
        if (status < 300 || status === 304) return response;
        response.destroy();
        if (status >= 400 || location === undefined) throw new HttpError(shown(url), status);
        const next = new URL(location, url);
        if (url.protocol === "https:" && next.protocol !== "https:")
          throw new Error(`${shown(url)} redirects to an address without TLS.`);
        url = next;
      }
      throw new Error(`${address} redirects too often.`);
    },
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

/** The URL without its user and password. */
export function shown({ origin, pathname }: URL): string {
  return origin + pathname;
}
