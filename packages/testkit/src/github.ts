import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** An account of the stand-in, and what it belongs to. */
export type GithubAccount = {
  id: number;
  login: string;
  name: string | null;
  emails: { email: string; primary: boolean; verified: boolean }[];
  /** Organizations, by name, with the state of the membership. */
  orgs: Record<string, "active" | "pending">;
  /** `organization/team`. */
  teams: string[];
};

/** Not GitHub, which no test may depend on: a stand-in for the documented endpoints that a sign-in uses. */
export type GithubStandIn = AsyncDisposable & {
  readonly url: string;
  /** Who is signed in to GitHub in the browser. Its fields can be changed. */
  readonly account: GithubAccount;
  /** Enters the user code of a device and permits the sign-in. */
  permitDevice(userCode: string): void;
};

export const GITHUB_CLIENT = { id: "github-client", secret: "github-secret" } as const;

/**
 * Speaks as a GitHub Enterprise Server does: OAuth at `/login/oauth`, the device flow at `/login/device`, the REST API
 * at `/api/v3`. It permits every sign-in at once, and errors of the token endpoint have status 200, as GitHub's do.
 * https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
 */
export async function createGithubStandIn(): Promise<GithubStandIn> {
  const account: GithubAccount = {
    id: 583231,
    login: "ana",
    name: "Ana",
    emails: [{ email: "ana@example.com", primary: true, verified: true }],
    orgs: { acme: "active" },
    teams: ["acme/builders"],
  };
  const tokens = new Set<string>();
  const codes = new Set<string>();
  /** User code → whether it was entered. */
  const devices = new Map<string, boolean>();
  let issued = 0;
  let url = "";

  function token(form: URLSearchParams): unknown {
    const refuse = (error: string) => ({ error, error_description: `The request is wrong: ${error}.` });
    if (form.get("client_id") !== GITHUB_CLIENT.id) return refuse("incorrect_client_credentials");
    const device = form.get("device_code");
    if (device !== null) {
      const entered = devices.get(device.replace("device-", ""));
      if (entered === undefined) return refuse("bad_verification_code");
      if (!entered) return refuse("authorization_pending");
      devices.delete(device.replace("device-", ""));
    } else {
      if (form.get("client_secret") !== GITHUB_CLIENT.secret) return refuse("incorrect_client_credentials");
      if (!codes.delete(form.get("code") ?? "")) return refuse("bad_verification_code");
    }
    const issuedToken = `gho_${++issued}`;
    tokens.add(issuedToken);
    return { access_token: issuedToken, token_type: "bearer", scope: "read:org,read:user,user:email" };
  }

  function rest(path: string, query: URLSearchParams): unknown {
    const page = Number(query.get("page") ?? 1);
    const size = Number(query.get("per_page") ?? 30);
    if (path === "/user")
      return {
        id: account.id,
        login: account.login,
        name: account.name,
        email: null,
        avatar_url: `${url}/avatar.png`,
      };
    if (path === "/user/emails") return account.emails;
    if (path === "/user/memberships/orgs") {
      const all = Object.entries(account.orgs).map(([login, state]) => ({ state, organization: { login } }));
      const listed = all.filter(({ state }) => !query.has("state") || state === query.get("state"));
      return listed.slice((page - 1) * size, page * size);
    }
    const [, org, team, login] = /^\/orgs\/([^/]+)\/teams\/([^/]+)\/memberships\/([^/]+)$/.exec(path) ?? [];
    return login === account.login && account.teams.includes(`${org}/${team}`)
      ? { state: "active", role: "member" }
      : undefined;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url!, url);
    const form = new URLSearchParams(Buffer.concat(await request.toArray()).toString());
    const json = (value: unknown, status = 200) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    };
    if (pathname === "/login/oauth/authorize") {
      const code = `code-${++issued}`;
      codes.add(code);
      const back = new URL(searchParams.get("redirect_uri")!);
      back.searchParams.set("code", code);
      back.searchParams.set("state", searchParams.get("state")!);
      response.writeHead(302, { location: back.href }).end();
    } else if (pathname === "/login/device/code") {
      const userCode = `ABCD-${String(++issued).padStart(4, "0")}`;
      devices.set(userCode, false);
      const verification = { verification_uri: `${url}/login/device`, expires_in: 900, interval: 1 };
      json({ device_code: `device-${userCode}`, user_code: userCode, ...verification });
    } else if (pathname === "/login/oauth/access_token") json(token(form));
    else if (!tokens.has(request.headers.authorization?.replace("Bearer ", "") ?? ""))
      json({ message: "Bad credentials" }, 401);
    else {
      const found = rest(pathname.replace(/^\/api\/v3/, ""), searchParams);
      json(found ?? { message: "Not Found" }, found === undefined ? 404 : 200);
    }
  }

  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    account,
    permitDevice: (userCode) => void devices.set(userCode, true),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
