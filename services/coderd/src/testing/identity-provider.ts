import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";

export const CLIENT_ID = "coder";

/** What the provider sends next; each part can be replaced. */
export type Behavior = {
  /** Claims of the ID token. */
  claims: JWTPayload;
  userInfo: unknown;
  /** Replaces the signed ID token. */
  idToken?: (payload: JWTPayload) => Promise<string> | string;
  /** Answers a request instead of the provider. */
  respond?: (path: string, response: ServerResponse, request: IncomingMessage) => boolean;
  /** Lifetime of access tokens, in seconds. */
  expiresIn: number;
  /** Replaces the answer to a refresh. */
  refresh?: () => { status: number; body: unknown };
};

/**
 * An OpenID Connect provider that can be told to lie: it signs in everybody at once, without a page. The well-behaved
 * peer is `oidc-provider`, in e2e/identity.
 */
export type StandInProvider = AsyncDisposable & {
  readonly issuer: string;
  readonly behavior: Behavior;
  readonly publicJwk: Record<string, unknown>;
  /** Paths of the requests so far, with the grant type of token requests. */
  readonly requests: string[];
  /** Signs as the provider does. */
  sign(payload: JWTPayload): Promise<string>;
};

export async function createStandInProvider(): Promise<StandInProvider> {
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
  const publicJwk = { ...(await exportJWK(publicKey)), kid: "first", alg: "RS256", use: "sig" };
  const requests: string[] = [];
  const codes = new Map<string, string>();
  let issued = 0;

  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sign = (payload: JWTPayload) =>
    new SignJWT(payload).setProtectedHeader({ alg: "RS256", kid: "first" }).sign(privateKey);
  const behavior: Behavior = {
    claims: { sub: "1", email: "ana@example.com", email_verified: true, preferred_username: "ana" },
    userInfo: undefined,
    expiresIn: 3600,
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, issuer);
    const body = new URLSearchParams(Buffer.concat(await request.toArray()).toString());
    requests.push([url.pathname, body.get("grant_type")].filter(Boolean).join(" "));
    if (behavior.respond?.(url.pathname, response, request)) return;
    const json = (value: unknown, status = 200) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    };
    if (url.pathname === "/.well-known/openid-configuration") {
      return json({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        userinfo_endpoint: `${issuer}/userinfo`,
        end_session_endpoint: `${issuer}/end`,
        id_token_signing_alg_values_supported: ["RS256"],
      });
    }
    if (url.pathname === "/jwks") return json({ keys: [publicJwk] });
    if (url.pathname === "/authorize") {
      const code = `code-${++issued}`;
      codes.set(code, url.searchParams.get("nonce")!);
      const back = new URL(url.searchParams.get("redirect_uri")!);
      back.searchParams.set("code", code);
      back.searchParams.set("state", url.searchParams.get("state")!);
      response.writeHead(302, { location: back.href }).end();
      return;
    }
    if (url.pathname === "/token") {
      if (body.get("grant_type") === "refresh_token" && behavior.refresh) {
        const { status, body: refreshed } = behavior.refresh();
        return json(refreshed, status);
      }
      const now = Math.floor(Date.now() / 1000);
      const nonce = codes.get(body.get("code") ?? "");
      const payload: JWTPayload = {
        iss: issuer,
        aud: CLIENT_ID,
        iat: now,
        exp: now + 300,
        ...behavior.claims,
      };
      if (nonce && payload.nonce === undefined) payload.nonce = nonce;
      return json({
        access_token: `access-${++issued}`,
        refresh_token: `refresh-${issued}`,
        token_type: "Bearer",
        expires_in: behavior.expiresIn,
        id_token: await (behavior.idToken ?? sign)(payload),
      });
    }
    if (url.pathname === "/userinfo") return json(behavior.userInfo ?? { sub: behavior.claims.sub });
    json({ error: "not_found" }, 404);
  }

  return {
    issuer,
    behavior,
    publicJwk,
    requests,
    sign,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** As much of a browser as a sign-in needs: cookies, and redirects that are followed one by one. */
export function createBrowser(coderdUrl: string) {
  const jar = new Map<string, string>();

  /** The request goes to coderd, whatever the host of the URL. */
  async function get(url: string, headers: Record<string, string> = {}) {
    const { pathname, search } = new URL(url, coderdUrl);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(coderdUrl + pathname + search, {
      redirect: "manual",
      headers: { ...(cookie ? { cookie } : {}), ...headers },
    });
    for (const set of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(set)!;
      if (value === "") jar.delete(name!);
      else jar.set(name!, value!);
    }
    const text = await response.text();
    const message = text.startsWith("{") ? (JSON.parse(text) as { message: string }).message : text;
    return { status: response.status, location: response.headers.get("location") ?? "", message, response };
  }

  return {
    jar,
    get,
    /** The callback to which the provider sends the browser, not requested yet. */
    async toProvider(path = "/api/v2/users/oidc/callback"): Promise<string> {
      const { location, message } = await get(path);
      if (!location) throw new Error(message);
      const response = await fetch(location, { redirect: "manual" });
      return response.headers.get("location")!;
    },
    async signIn(path?: string) {
      return get(await this.toProvider(path));
    },
  };
}
