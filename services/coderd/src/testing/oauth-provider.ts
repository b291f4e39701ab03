import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * An OAuth 2.0 server on loopback (RFC 6749, 7009, 7636, 8628), as strict as the providers are: codes and refresh tokens
 * work once, and PKCE is checked. It signs everybody in as `dev` without asking.
 */
export type OauthProvider = AsyncDisposable & {
  readonly url: string;
  /** The settings of an external auth provider, type `generic`. */
  env(id: string, number?: number): Record<string, string>;
  /** Requests for tokens so far, by grant type. */
  readonly grants: string[];
  /** Seconds that access tokens are valid. */
  lifetimeS: number;
  /** Answers the next requests for tokens with this status, and nothing else. */
  outage: number | undefined;
  /** Holds answers to requests for tokens until it resolves. */
  hold: Promise<void> | undefined;
  /** Follows the redirect of a sign-in as a browser would; returns the URL that it leads back to. */
  approve(location: string): Promise<string>;
  /** Enters a code of the device flow. */
  enter(userCode: string): void;
  /** Ends a refresh token at the provider. */
  end(): void;
  isValid(accessToken: string): boolean;
};

const CLIENT = { id: "client", secret: "top-secret" };

export async function createOauthProvider(): Promise<OauthProvider> {
  const codes = new Map<string, { challenge: string | null; redirectUri: string | null }>();
  const devices = new Map<string, { userCode: string; entered: boolean }>();
  const refreshTokens = new Set<string>();
  const accessTokens = new Set<string>();

  const server = createServer((request, response) => {
    void serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = new URL(request.url!, url);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const send = (status: number, body: object) =>
      response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));

    if (target.pathname === "/authorize") {
      const code = randomUUID();
      const [redirectUri, challenge] = ["redirect_uri", "code_challenge"].map((name) =>
        target.searchParams.get(name),
      );
      codes.set(code, { challenge: challenge!, redirectUri: redirectUri! });
      const back = new URL(redirectUri!);
      back.searchParams.set("code", code);
      back.searchParams.set("state", target.searchParams.get("state")!);
      response.writeHead(302, { Location: back.href }).end();
    } else if (target.pathname === "/token") {
      provider.grants.push(form.get("grant_type")!.replace(/.*:/, ""));
      await provider.hold;
      if (provider.outage !== undefined) return void send(provider.outage, {});
      const error = refusalOf(form);
      if (error) send(400, { error, error_description: "The stand-in refuses" });
      else send(200, newTokens());
    } else if (target.pathname === "/device") {
      const device = { userCode: randomUUID().slice(0, 8), entered: false };
      const deviceCode = randomUUID();
      devices.set(deviceCode, device);
      send(200, {
        device_code: deviceCode,
        user_code: device.userCode,
        verification_uri: `${url}/enter`,
        expires_in: 900,
        interval: 1,
      });
    } else if (target.pathname === "/revoke") {
      refreshTokens.delete(form.get("token")!);
      accessTokens.clear();
      send(200, {});
    } else if (target.pathname === "/user") {
      const token = request.headers.authorization?.replace("Bearer ", "") ?? "";
      if (accessTokens.has(token)) send(200, { id: 7, login: "dev", name: "Dev" });
      else send(401, { error: "invalid_token" });
    } else send(404, {});
  }

  function refusalOf(form: URLSearchParams): string | undefined {
    const authentic = form.get("client_id") === CLIENT.id && form.get("client_secret") === CLIENT.secret;
    if (!authentic) return "invalid_client";
    switch (form.get("grant_type")) {
      case "authorization_code": {
        const code = codes.get(form.get("code")!);
        codes.delete(form.get("code")!);
        const verifier = form.get("code_verifier") ?? "";
        const challenge = createHash("sha256").update(verifier).digest("base64url");
        const fits = code?.challenge === challenge && code.redirectUri === form.get("redirect_uri");
        return fits ? undefined : "invalid_grant";
      }
      case "refresh_token":
        return refreshTokens.delete(form.get("refresh_token")!) ? undefined : "invalid_grant";
      case "urn:ietf:params:oauth:grant-type:device_code": {
        const device = devices.get(form.get("device_code")!);
        if (!device) return "invalid_grant";
        return device.entered ? undefined : "authorization_pending";
      }
      default:
        return "unsupported_grant_type";
    }
  }

  function newTokens() {
    const [access, refresh] = [`access-${randomUUID()}`, `refresh-${randomUUID()}`];
    accessTokens.add(access);
    refreshTokens.add(refresh);
    return {
      access_token: access,
      refresh_token: refresh,
      token_type: "bearer",
      expires_in: provider.lifetimeS,
      tenant: { id: "t-1", access_token: "inner" },
    };
  }

  const provider: OauthProvider = {
    url,
    grants: [],
    lifetimeS: 3600,
    outage: undefined,
    hold: undefined,
    env(id, number = 0) {
      const fields = {
        ID: id,
        TYPE: "generic",
        CLIENT_ID: CLIENT.id,
        CLIENT_SECRET: CLIENT.secret,
        AUTH_URL: `${url}/authorize`,
        TOKEN_URL: `${url}/token`,
        VALIDATE_URL: `${url}/user`,
        REVOKE_URL: `${url}/revoke`,
        DEVICE_FLOW: "true",
        DEVICE_CODE_URL: `${url}/device`,
        REGEX: "git\\.example\\.com",
        EXTRA_TOKEN_KEYS: "tenant",
        DISPLAY_NAME: "Hub",
      };
      return Object.fromEntries(
        Object.entries(fields).map(([field, value]) => [`CODER_EXTERNAL_AUTH_${number}_${field}`, value]),
      );
    },
    async approve(location) {
      const response = await fetch(location, { redirect: "manual" });
      return response.headers.get("location")!;
    },
    enter(userCode) {
      for (const device of devices.values()) if (device.userCode === userCode) device.entered = true;
    },
    end() {
      refreshTokens.clear();
      accessTokens.clear();
    },
    isValid: (token) => accessTokens.has(token),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return provider;
}
