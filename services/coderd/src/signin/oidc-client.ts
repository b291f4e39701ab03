import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Clock, errorMessage, FleetError } from "@fleet/base";
import { decodeJwt, importPKCS8 } from "jose";
import * as oidc from "openid-client";
import { type ProviderRequest, providerFetch } from "./provider-http.js";

export type OidcClientOptions = {
  issuer: string;
  clientId: string;
  clientSecret: string | undefined;
  clientKeyFile: string | undefined;
  clientCertFile: string | undefined;
  skipIssuerChecks: boolean;
  clock: Clock;
};

/** The provider's metadata, discovered on first use and again every hour. */
export type OidcClient = {
  /** @throws unavailable, in a sentence, if the provider was never reached. */
  configuration(): Promise<oidc.Configuration>;
  /**
   * Runs a grant. If issuers are not checked, it accepts an ID token of any issuer, signed by this provider's keys.
   */
  grant<T>(run: (configuration: oidc.Configuration) => Promise<T>): Promise<T>;
};

const FRESH_MS = 3_600_000;
const WELL_KNOWN = "/.well-known/openid-configuration";

/**
 * Does not connect to the provider: one that is down when coderd starts is asked again at each sign-in.
 * @throws invalid_argument for a key or certificate that cannot be read.
 */
export function createOidcClient(options: OidcClientOptions): OidcClient {
  const keyed = keyOf(options);
  let current: { configuration: oidc.Configuration; atMs: number } | undefined;
  let pending: Promise<oidc.Configuration> | undefined;

  async function configure(
    metadata: oidc.ServerMetadata,
    send: typeof providerFetch = providerFetch,
  ): Promise<oidc.Configuration> {
    const auth = keyed ? await keyed() : secretAuth(options.clientSecret, metadata);
    const configuration = new oidc.Configuration(metadata, options.clientId, undefined, auth);
    configuration[oidc.customFetch] = (url, init) => send(url, init as ProviderRequest);
    // The ID token comes over TLS from the token endpoint, but its signature is verified all the same.
    oidc.enableNonRepudiationChecks(configuration);
    if (options.issuer.startsWith("http:")) oidc.allowInsecureRequests(configuration);
    return configuration;
  }

  async function discover(): Promise<oidc.Configuration> {
    const configuration = await configure(await metadataOf(options));
    current = { configuration, atMs: options.clock.now().getTime() };
    return configuration;
  }

  async function configuration(): Promise<oidc.Configuration> {
    if (current && options.clock.now().getTime() - current.atMs < FRESH_MS) return current.configuration;
    pending ??= discover().finally(() => {
      pending = undefined;
    });
    const known = current?.configuration;
    return known ? pending.catch(() => known) : pending;
  }

  /** openid-client always compares issuers: it is told the issuer that the ID token names. */
  async function grantOfAnyIssuer<T>(run: (configuration: oidc.Configuration) => Promise<T>): Promise<T> {
    const { supportsPKCE: _, ...metadata } = (await configuration()).serverMetadata();
    const answers = new Map<string, Response>();
    const once: typeof providerFetch = async (url, init) => {
      const answer = answers.get(url) ?? (await providerFetch(url, init));
      answers.set(url, answer);
      return answer.clone();
    };
    try {
      return await run(await configure(metadata, once));
    } catch (error) {
      const issuer = await issuerIn(answers.get(metadata.token_endpoint!));
      if (!issuer || issuer === metadata.issuer) throw error;
      return run(await configure({ ...metadata, issuer }, once));
    }
  }

  return {
    configuration,
    grant: options.skipIssuerChecks ? grantOfAnyIssuer : async (run) => run(await configuration()),
  };
}

async function issuerIn(answer: Response | undefined): Promise<string | undefined> {
  try {
    const body = (await answer?.clone().json()) as { id_token?: string } | undefined;
    return decodeJwt(body?.id_token ?? "").iss;
  } catch {
    return undefined;
  }
}

async function metadataOf({ issuer, skipIssuerChecks }: OidcClientOptions): Promise<oidc.ServerMetadata> {
  const url = `${issuer.replace(/\/+$/, "")}${WELL_KNOWN}`;
  const response = await providerFetch(url, { headers: { accept: "application/json" } });
  const metadata = (await response.json().catch(() => undefined)) as oidc.ServerMetadata | undefined;
  const usable =
    response.status === 200 &&
    typeof metadata?.issuer === "string" &&
    typeof metadata.authorization_endpoint === "string" &&
    typeof metadata.token_endpoint === "string" &&
    typeof metadata.jwks_uri === "string";
  if (!usable) {
    throw new FleetError(
      "unavailable",
      `The sign-in provider's ${url} did not return its metadata. Try again later, or check CODER_OIDC_ISSUER_URL.`,
    );
  }
  if (metadata.issuer.replace(/\/+$/, "") !== issuer.replace(/\/+$/, "") && !skipIssuerChecks) {
    throw new FleetError(
      "failed_precondition",
      `The sign-in provider calls itself ${metadata.issuer}, but CODER_OIDC_ISSUER_URL is ${issuer}. Ask an administrator to correct the setting.`,
    );
  }
  return metadata;
}

/** As the provider prefers; a provider that does not tell takes HTTP basic authentication. */
function secretAuth(secret: string | undefined, metadata: oidc.ServerMetadata): oidc.ClientAuth {
  if (!secret) return oidc.None();
  const methods = metadata.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  return methods.includes("client_secret_basic")
    ? oidc.ClientSecretBasic(secret)
    : oidc.ClientSecretPost(secret);
}

/** Authentication with a signed JWT (RFC 7523); undefined without a key. */
function keyOf(options: OidcClientOptions): (() => Promise<oidc.ClientAuth>) | undefined {
  const { clientKeyFile, clientCertFile, clientSecret } = options;
  if (!clientKeyFile) {
    if (clientCertFile) throw invalid("CODER_OIDC_CLIENT_CERT_FILE", "requires CODER_OIDC_CLIENT_KEY_FILE");
    return undefined;
  }
  if (clientSecret)
    throw invalid("CODER_OIDC_CLIENT_KEY_FILE", "cannot be combined with CODER_OIDC_CLIENT_SECRET");
  const key = readPem("CODER_OIDC_CLIENT_KEY_FILE", clientKeyFile, (pem) => createPrivateKey(pem));
  const algorithm = key.asymmetricKeyType === "ec" ? "ES256" : "RS256";
  const certificate = clientCertFile
    ? readPem("CODER_OIDC_CLIENT_CERT_FILE", clientCertFile, (pem) => new X509Certificate(pem))
    : undefined;
  const pem = key.export({ type: "pkcs8", format: "pem" }).toString();
  return async () =>
    oidc.PrivateKeyJwt(await importPKCS8(pem, algorithm), {
      [oidc.modifyAssertion](header) {
        if (!certificate) return;
        header.x5t = createHash("sha1").update(certificate.raw).digest("base64url");
        header["x5t#S256"] = createHash("sha256").update(certificate.raw).digest("base64url");
      },
    });
}

function readPem<T>(setting: string, path: string, read: (pem: string) => T): T {
  try {
    return read(readFileSync(path, "utf8"));
  } catch (cause) {
    throw invalid(setting, `could not be read from ${path}: ${errorMessage(cause)}`, cause);
  }
}

function invalid(setting: string, fault: string, cause?: unknown): FleetError {
  return new FleetError("invalid_argument", `${setting}: ${fault}.`, { cause });
}
