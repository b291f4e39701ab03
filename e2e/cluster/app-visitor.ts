import type { IncomingHttpHeaders } from "node:http";
import { SESSION_HEADER } from "@fleet/base";

/** Hosts of dev URLs. Nothing resolves them: the test says by itself where they are. */
export const APPS_DOMAIN = "apps.e2e.test";
const MAX_REDIRECTS = 8;

export type VisitorOptions = {
  /** The front door, which answers for every host. */
  url: string;
  token: string;
  /** Asks the front door; the header `host` says who is meant. */
  get(
    url: string,
    headers: Record<string, string>,
  ): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }>;
};

/**
 * Opens pages of workspaces' apps as a browser does that is signed in to the deployment: it follows redirects to the
 * access URL and back, and keeps cookies. Gives the page; throws where it is not answered with 200.
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
      // Cookies of the deployment never reach an app's host, nor an app's the deployment.
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

/** The address of a port of the workspace's agent `main`; the workspace is the first user's. */
export function portUrl(workspace: string, port: number): string {
  return `http://${port}--main--${workspace}--owner.${APPS_DOMAIN}/`;
}
