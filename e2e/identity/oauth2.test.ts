import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  auth,
  extractWWWAuthenticateParams,
  type OAuthClientProvider,
} from "@modelcontextprotocol/sdk/client/auth.js";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import type { Browser, Page } from "playwright-core";
import { startBrowser } from "../harness/browser.js";
import { type Fleet, startFleet } from "../harness/fleet.js";

/*
 * Other programs' OAuth2 clients sign in at a running fleet: openid-client, oauth4webapi and the MCP SDK. The user answers
 * in Chromium.
 */

let fleet: Fleet;
let browser: Browser;
let page: Page;
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  fleet = stack.use(await startFleet());
  browser = stack.use(await startBrowser());
  page = await browser.newPage();
});
afterAll(() => stack.disposeAsync());

/** An app on this computer that waits for the answer, on a port of its own (RFC 8252 §7.3). */
async function startCallback() {
  const answers: URL[] = [];
  const server = createServer((request, response) => {
    if (request.url?.startsWith("/callback")) answers.push(new URL(request.url, url));
    response.end("You can close this page.");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`;
  return {
    url,
    answers,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The user opens the address, signs in if asked, and answers; returns the address that the app was called at. */
async function answer(address: string, choice: "Authorize" | "Cancel", callback: string): Promise<URL> {
  await page.goto(address);
  await page.waitForURL(/\/(login|oauth2\/authorize)/);
  if (page.url().includes("/login")) {
    await page.getByLabel("Email").fill(fleet.email);
    await page.getByLabel("Password").fill(fleet.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(/\/oauth2\/authorize/);
  }
  await page.getByRole("button", { name: choice }).click();
  await page.waitForURL((url) => url.href.startsWith(callback));
  return new URL(page.url());
}

const me = async (token: string, header = "authorization") => {
  const value = header === "authorization" ? `Bearer ${token}` : token;
  const response = await fetch(`${fleet.url}/api/v2/users/me`, { headers: { [header]: value } });
  return response.ok ? ((await response.json()) as { username: string }).username : response.status;
};

test("openid-client registers, signs in, refreshes and revokes", async () => {
  await using callback = await startCallback();
  const options = { execute: [openid.allowInsecureRequests], algorithm: "oauth2" as const };
  const config = await openid.dynamicClientRegistration(
    new URL(fleet.url),
    { client_name: "openid-client", redirect_uris: [callback.url] },
    undefined,
    options,
  );
  const verifier = openid.randomPKCECodeVerifier();
  const state = openid.randomState();
  const address = openid.buildAuthorizationUrl(config, {
    redirect_uri: callback.url,
    scope: "user:read coder:workspaces.operate",
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
  });
  const denied = await answer(address.href, "Cancel", callback.url);
  await expect(
    openid.authorizationCodeGrant(config, denied, { pkceCodeVerifier: verifier, expectedState: state }),
  ).rejects.toMatchObject({ error: "access_denied" });

  const answered = await answer(address.href, "Authorize", callback.url);
  const tokens = await openid.authorizationCodeGrant(config, answered, {
    pkceCodeVerifier: verifier,
    expectedState: state,
  });
  expect(tokens.scope).toBe("user:read coder:workspaces.operate");
  expect(await me(tokens.access_token)).toBe("owner");
  expect(await me(tokens.access_token, "coder-session-token")).toBe("owner");

  const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token!);
  expect(await me(refreshed.access_token)).toBe("owner");
  await openid.tokenRevocation(config, refreshed.refresh_token!);
  expect(await me(refreshed.access_token)).toBe(401);
  await expect(openid.refreshTokenGrant(config, refreshed.refresh_token!)).rejects.toMatchObject({
    error: "invalid_grant",
  });
});

test("oauth4webapi signs in to an administrator's app, and a code that is used twice revokes its tokens", async () => {
  await using callback = await startCallback();
  const app = await fleet.client.oauth2AppCreate({
    body: { name: "Backstage", redirect_uris: ["http://127.0.0.1/callback"], scope: "user:read" },
  });
  const secret = await fleet.client.oauth2AppSecretCreate({ params: { oauth2App: app.id } });
  const insecure = { [oauth.allowInsecureRequests]: true };
  const issuer = new URL(fleet.url);
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure }),
  );
  const client: oauth.Client = { client_id: app.id };
  const authentication = oauth.ClientSecretBasic(secret.client_secret_full);
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const address = new URL(server.authorization_endpoint!);
  address.search = String(
    new URLSearchParams({
      client_id: app.id,
      redirect_uri: callback.url,
      response_type: "code",
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
    }),
  );
  const answered = await answer(address.href, "Authorize", callback.url);
  const parameters = oauth.validateAuthResponse(server, client, answered, state);
  const grant = () =>
    oauth.authorizationCodeGrantRequest(
      server,
      client,
      authentication,
      parameters,
      callback.url,
      verifier,
      insecure,
    );
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, await grant());
  expect(tokens.scope).toBe("user:read");
  expect(await me(tokens.access_token)).toBe("owner");
  await expect(oauth.processAuthorizationCodeResponse(server, client, await grant())).rejects.toMatchObject({
    error: "invalid_grant",
  });
  expect(await me(tokens.access_token)).toBe(401);

  const resource = await oauth.processResourceDiscoveryResponse(
    issuer,
    await oauth.resourceDiscoveryRequest(issuer, insecure),
  );
  expect(resource.authorization_servers).toEqual([issuer.origin]);
});

test("the MCP SDK finds the server by its refusal, registers, signs in and refreshes", async () => {
  await using callback = await startCallback();
  const kept: {
    client?: Parameters<NonNullable<OAuthClientProvider["saveClientInformation"]>>[0];
    tokens?: Parameters<OAuthClientProvider["saveTokens"]>[0];
    verifier?: string;
    address?: URL;
  } = {};
  const provider: OAuthClientProvider = {
    redirectUrl: callback.url,
    clientMetadata: {
      client_name: "An MCP client",
      redirect_uris: [callback.url],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    },
    clientInformation: () => kept.client,
    saveClientInformation(client) {
      kept.client = client;
    },
    tokens: () => kept.tokens,
    saveTokens(tokens) {
      kept.tokens = tokens;
    },
    redirectToAuthorization(address) {
      kept.address = address;
    },
    saveCodeVerifier(verifier) {
      kept.verifier = verifier;
    },
    codeVerifier: () => kept.verifier!,
    state: () => "a state",
  };
  const refused = await fetch(`${fleet.url}/api/v2/users/me`);
  const { resourceMetadataUrl } = extractWWWAuthenticateParams(refused);
  expect(resourceMetadataUrl?.href).toBe(`${fleet.url}/.well-known/oauth-protected-resource`);

  const serverUrl = `${fleet.url}/api/v2`;
  const options = { serverUrl, ...(resourceMetadataUrl ? { resourceMetadataUrl } : {}) };
  expect(await auth(provider, options)).toBe("REDIRECT");
  const answered = await answer(kept.address!.href, "Authorize", callback.url);
  expect(answered.searchParams.get("state")).toBe("a state");
  const authorizationCode = answered.searchParams.get("code")!;
  expect(await auth(provider, { ...options, authorizationCode })).toBe("AUTHORIZED");
  const first = kept.tokens!;
  expect(await me(first.access_token)).toBe("owner");
  expect(await auth(provider, options)).toBe("AUTHORIZED");
  expect(kept.tokens!.refresh_token).not.toBe(first.refresh_token);
  expect(await me(kept.tokens!.access_token)).toBe("owner");

  const apps = await fleet.client.oauth2AppList({ query: { user_id: "me" } });
  expect(apps.map(({ name }) => name)).toContain("An MCP client");
  await fleet.client.oauth2TokensRevoke({ query: { client_id: kept.client!.client_id } });
  expect(await me(kept.tokens!.access_token)).toBe(401);
});

test("an administrator lets no more apps register", async () => {
  expect((await fleet.coder(["oauth2-provider", "dcr", "disable"])).stderr).toContain("disabled");
  const register = () =>
    fetch(`${fleet.url}/oauth2/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ redirect_uris: ["https://app.example.com/callback"] }),
    });
  const refused = await register();
  expect([refused.status, ((await refused.json()) as { error: string }).error]).toEqual([
    403,
    "access_denied",
  ]);
  const metadata = await fetch(`${fleet.url}/.well-known/oauth-authorization-server`);
  expect(await metadata.json()).not.toHaveProperty("registration_endpoint");
  await fleet.coder(["oauth2-provider", "dcr", "enable"]);
  expect((await register()).status).toBe(201);
});

test("the page that asks is readable in both themes, cannot be framed, and does not trust other sites", async () => {
  const register = await fetch(`${fleet.url}/oauth2/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      redirect_uris: ["https://app.example.com/callback"],
      client_name: "<b>Cursor</b>",
      logo_uri: "https://tracker.example.com/logo.png",
    }),
  });
  const { client_id } = (await register.json()) as { client_id: string };
  const query = new URLSearchParams({
    client_id,
    redirect_uri: "https://app.example.com/callback",
    response_type: "code",
    code_challenge: "a".repeat(43),
    code_challenge_method: "S256",
    scope: "coder:workspaces.create user:read",
  });
  const address = `${fleet.url}/oauth2/authorize?${query}`;
  const requested: string[] = [];
  page.on("request", (request) => requested.push(new URL(request.url()).host));
  for (const theme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await page.goto(address);
    await page.getByRole("heading", { name: "Authorize <b>Cursor</b>" }).waitFor();
    await page.getByText("Workspaces: create, view, change, start, stop").waitFor();
    await page.getByText("https://app.example.com").waitFor();
    const background = await page.evaluate("getComputedStyle(document.body).backgroundColor");
    expect(background).toBe(theme === "light" ? "rgb(247, 247, 248)" : "rgb(14, 15, 18)");
    if (process.env.E2E_SCREENSHOTS)
      await page.screenshot({ path: `${process.env.E2E_SCREENSHOTS}/consent-${theme}.png` });
  }
  expect([...new Set(requested)]).toEqual([new URL(fleet.url).host]);

  const framing = createServer((_request, response) => {
    response.setHeader("content-type", "text/html");
    response.end(`<iframe src="${address.replaceAll("&", "&amp;")}"></iframe>
      <form method="post" action="${address.replaceAll("&", "&amp;")}"><button name="decision" value="approve">Go</button></form>`);
  }).listen(0, "127.0.0.1");
  await once(framing, "listening");
  try {
    await page.goto(`http://localhost:${(framing.address() as AddressInfo).port}/`);
    const frame = page.frames()[1]!;
    expect(await frame.getByRole("button", { name: "Authorize" }).count()).toBe(0);
    await page.getByRole("button", { name: "Go" }).click();
    await page.waitForURL(/\/login/);
  } finally {
    framing.closeAllConnections();
    framing.close();
  }
});
