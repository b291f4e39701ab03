import { type Clock, FleetError } from "@fleet/base";
import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from "jose";

export type { JWK } from "jose";

/** How long a decision about an app is valid, in seconds; older ones are rejected, whatever their own expiry. */
export const APP_TOKEN_SECONDS = 60;

const ALGORITHM = "EdDSA";
/** The token type, so that no other token signed with the same keys is accepted in its place. */
const TYPE = "coder-app+jwt";

/** The key that the decision is about: it expires with the key. */
export type AppTokenSession = {
  userId: string;
  keyId: string;
  /** When the key expires unless use extends it, in milliseconds since the epoch. */
  endsAtMs: number;
};

/** A decision that a user may open an app. Ids are UUIDs. */
export type AppClaims = {
  /** Absent for a visitor of a public app. */
  session?: AppTokenSession;
  workspaceId: string;
  agentId: string;
  /** As `formatTarget` writes it; `@terminal` for the web terminal. */
  app: string;
  /** Later changes may have revoked it; in milliseconds since the epoch. */
  decidedAtMs: number;
};

/** Generates a key pair. The id (`kid`) of both halves is the thumbprint of the public one (RFC 7638). */
export async function generateAppKey(): Promise<{ privateKey: JWK; publicKey: JWK }> {
  const pair = await generateKeyPair(ALGORITHM, { extractable: true });
  const publicKey = await exportJWK(pair.publicKey);
  const kid = await calculateJwkThumbprint(publicKey);
  const header = { kid, alg: ALGORITHM };
  return {
    privateKey: { ...(await exportJWK(pair.privateKey)), ...header },
    publicKey: { ...publicKey, ...header },
  };
}

/** Signs a decision with a private JWK that has a `kid`; valid for 60 seconds, or until the key expires. */
export async function signAppToken(claims: AppClaims, privateKey: JWK, clock: Clock): Promise<string> {
  const { kid } = privateKey;
  if (!kid) throw new FleetError("internal", "The key that signs app tokens has no id.");
  const now = Math.floor(clock.now().getTime() / 1000);
  const { session, workspaceId, agentId, app, decidedAtMs } = claims;
  const ends = session ? Math.floor(session.endsAtMs / 1000) : Number.POSITIVE_INFINITY;
  return new SignJWT({
    workspace: workspaceId,
    agent: agentId,
    app,
    decided: decidedAtMs,
    ...(session ? { sub: session.userId, key: session.keyId, key_exp: session.endsAtMs } : {}),
  })
    .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid })
    .setIssuedAt(now)
    .setExpirationTime(Math.min(now + APP_TOKEN_SECONDS, ends))
    .sign(await importJWK(privateKey, ALGORITHM));
}

export type AppTokenVerifier = (token: string) => Promise<AppClaims>;

/**
 * Verifies tokens with the public keys, chosen by `kid`. Throws `unauthenticated` for a token that is forged,
 * expired, of another type, or signed with a key that is not in the set.
 */
export function createAppTokenVerifier(publicKeys: readonly JWK[], clock: Clock): AppTokenVerifier {
  const keys = createLocalJWKSet({ keys: [...publicKeys] });
  return async (token) => {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: [ALGORITHM],
      typ: TYPE,
      currentDate: clock.now(),
      maxTokenAge: APP_TOKEN_SECONDS,
      requiredClaims: ["exp"],
    }).catch((cause: unknown) => {
      throw invalid(cause);
    });
    const { workspace, agent, app, decided } = payload;
    if (typeof workspace !== "string" || typeof agent !== "string" || typeof app !== "string")
      throw invalid();
    if (typeof decided !== "number") throw invalid();
    const session = sessionOf(payload);
    return {
      ...(session ? { session } : {}),
      workspaceId: workspace,
      agentId: agent,
      app,
      decidedAtMs: decided,
    };
  };
}

function sessionOf({ sub, key, key_exp }: JWTPayload): AppTokenSession | undefined {
  if (sub === undefined) return undefined;
  if (typeof key !== "string" || typeof key_exp !== "number") throw invalid();
  return { userId: sub, keyId: key, endsAtMs: key_exp };
}

function invalid(cause?: unknown): FleetError {
  return new FleetError("unauthenticated", "This app link has expired. Open the app again.", {
    cause,
  });
}
