import type { IncomingHttpHeaders } from "node:http";
import { SESSION_HEADER } from "@fleet/base";

/** Domain of dev URLs. It does not resolve: the test supplies the address. */
export const APPS_DOMAIN = "apps.e2e.test";
const MAX_REDIRECTS = 8;

export type VisitorOptions = {
  /** The deployment's proxy, which serves every host. */
  url: string;
  token: string;
  /** Sends a request to the proxy; the header `host` selects the host. */
  get(
    url: string,
    headers: Record<string, string>,
  ): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }>;
};

/**
 * Opens pages of workspace apps like a browser that is signed in to the deployment: follows redirects to the access URL
 * and back, and keeps cookies. Returns the page; throws if its status is not 200.
 */
export function createAppVisitor({
  url: door,
  token,
  get,
}: VisitorOptions): (page: string) => Promise<string> {
  const cookies = new Map<string, string>();
  return async (page) => {
    let url = new URL(page);
    for (let hop = 0; hop < MAX_REDIRECTS; hop++) {
      const isApp = url.host.endsWith(APPS_DOMAIN);
      const credentials: Record<string, string> = isApp
        ? { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") }
        : { [SESSION_HEADER]: token };
      const answer = await get(`${door}${url.pathname}${url.search}`, { host: url.host, ...credentials });
      // Cookies of the deployment are never sent to an app's host, nor the reverse.
      for (const line of isApp ? (answer.headers["set-cookie"] ?? []) : []) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        if (name) cookies.set(name, value ?? "");
      }
      if (answer.status === 200) return answer.body;
      if (!answer.headers.location)
        throw new Error(`${url} answered ${answer.status}: ${answer.body.slice(0, 500)}`);
      url = new URL(answer.headers.location, url);
    }
    throw new Error(`${url} redirects without end.`);
  };
}

/** URL of a port of the workspace's agent `main`; the workspace belongs to the first user. */
export function portUrl(workspace: string, port: number): string {
  return `http://${port}--main--${workspace}--owner.${APPS_DOMAIN}/`;
}
