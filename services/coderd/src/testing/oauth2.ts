import { createHash, randomBytes } from "node:crypto";
import type { TestCoderd, TestUser } from "./coderd.js";

export const REDIRECT = "https://app.example.com/callback";

export type TestApp = { id: string; secret?: string };
export type Tokens = { access_token: string; refresh_token: string; scope: string; expires_in: number };

/** A code verifier and its challenge. */
export function pkce(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString("base64url");
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
}

/** An OAuth2 client that sends exactly what a test tells it to. */
export function createOAuth2Client(server: TestCoderd, baseUrl = server.coderd.httpUrl) {
  const post = (path: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(`${baseUrl}${path}`, { method: "POST", headers, body: new URLSearchParams(form) });
  const basic = ({ id, secret }: TestApp) => ({
    authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`,
  });
  const credentials = ({ id, secret }: TestApp) => ({
    client_id: id,
    ...(secret ? { client_secret: secret } : {}),
  });

  /** Registers a client. `none`: a public one. */
  async function register(metadata: Record<string, unknown> = {}) {
    const response = await fetch(`${baseUrl}/oauth2/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ redirect_uris: [REDIRECT], client_name: "Test", ...metadata }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, string> };
  }

  async function publicApp(metadata: Record<string, unknown> = {}): Promise<TestApp> {
    const { body } = await register({ token_endpoint_auth_method: "none", ...metadata });
    return { id: body.client_id! };
  }

  async function confidentialApp(owner: TestUser, options: { scope?: string } = {}): Promise<TestApp> {
    const body = { name: "Test", redirect_uris: [REDIRECT], ...options };
    const { id } = await owner.client.oauth2AppCreate({ body });
    const made = await owner.client.oauth2AppSecretCreate({ params: { oauth2App: id } });
    return { id, secret: made.client_secret_full };
  }

  /** Approves an authorization request; the redirect's parameters, or the page if there is no redirect. */
  async function authorize(
    token: string,
    query: Record<string, string>,
    form: Record<string, string> = { decision: "approve" },
  ) {
    const response = await fetch(`${baseUrl}/oauth2/authorize?${new URLSearchParams(query)}`, {
      method: "POST",
      headers: { "coder-session-token": token },
      body: new URLSearchParams(form),
      redirect: "manual",
    });
    const location = response.headers.get("location");
    const text = await response.text();
    return {
      status: response.status,
      location,
      params: Object.fromEntries(location ? new URL(location).searchParams : []),
      text,
    };
  }

  const question = (app: TestApp, challenge: string, more: Record<string, string> = {}) => ({
    client_id: app.id,
    redirect_uri: REDIRECT,
    response_type: "code",
    code_challenge: challenge,
    code_challenge_method: "S256",
    state: "s",
    ...more,
  });

  async function codeFor(app: TestApp, user: { token: string }, more: Record<string, string> = {}) {
    const { verifier, challenge } = pkce();
    const { params, text } = await authorize(user.token, question(app, challenge, more));
    if (!params.code) throw new Error(`no code: ${JSON.stringify(params)} ${text}`);
    return { code: params.code, verifier };
  }

  const exchange = (app: TestApp, { code, verifier }: { code: string; verifier: string }) =>
    post("/oauth2/tokens", {
      grant_type: "authorization_code",
      code,
      code_verifier: verifier,
      redirect_uri: REDIRECT,
      ...credentials(app),
    });
  const refresh = (app: TestApp, token: string, more: Record<string, string> = {}) =>
    post("/oauth2/tokens", {
      grant_type: "refresh_token",
      refresh_token: token,
      ...credentials(app),
      ...more,
    });

  async function tokensFor(app: TestApp, user: { token: string }, more: Record<string, string> = {}) {
    const response = await exchange(app, await codeFor(app, user, more));
    if (!response.ok) throw new Error(`no tokens: ${await response.text()}`);
    return (await response.json()) as Tokens;
  }

  /** The status of a request with the token as a bearer token. */
  const statusOf = async (token: string, path = "/api/v2/users/me") =>
    (await fetch(`${baseUrl}${path}`, { headers: { authorization: `Bearer ${token}` } })).status;

  return {
    post,
    basic,
    credentials,
    register,
    publicApp,
    confidentialApp,
    authorize,
    question,
    codeFor,
    exchange,
    refresh,
    tokensFor,
    statusOf,
  };
}
