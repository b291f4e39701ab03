import { type Clock, FleetError, systemClock } from "@fleet/base";
import { decodeProtectedHeader, importJWK, SignJWT } from "jose";
import { type AppClaims, createAppTokenVerifier, generateAppKey, signAppToken } from "./token.js";

const at = (seconds: number): Clock => ({ ...systemClock, now: () => new Date(seconds * 1000) });
const START = 1_800_000_000;
const session = { userId: "u", keyId: "k", endsAtMs: (START + 3_600) * 1000 };
const claims: AppClaims = {
  session,
  workspaceId: "w",
  agentId: "a",
  app: "8080s",
  decidedAtMs: START * 1000,
};

const older = await generateAppKey();
const key = await generateAppKey();
const publicKeys = [older.publicKey, key.publicKey];
const verify = (token: string, seconds = START) => createAppTokenVerifier(publicKeys, at(seconds))(token);

async function refused(promise: Promise<unknown>): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(FleetError);
  expect(error).toMatchObject({ code: "unauthenticated" });
}

describe("a signed app token", () => {
  it("carries its decision, whichever key of the set signed it", async () => {
    for (const { privateKey } of [older, key]) {
      const token = await signAppToken(claims, privateKey, at(START));
      expect(decodeProtectedHeader(token).kid).toBe(privateKey.kid);
      expect(await verify(token)).toEqual(claims);
    }
  });

  it("can be an anonymous visitor's", async () => {
    const { session: _, ...visitor } = claims;
    expect(await verify(await signAppToken(visitor, key.privateKey, at(START)))).toEqual(visitor);
  });

  it("expires with the API key that it is derived from", async () => {
    const ending = { ...claims, session: { ...session, endsAtMs: (START + 10) * 1000 } };
    const token = await signAppToken(ending, key.privateKey, at(START));
    expect(await verify(token, START + 9)).toEqual(ending);
    await refused(verify(token, START + 10));
  });

  it("expires after 60 seconds", async () => {
    const token = await signAppToken(claims, key.privateKey, at(START));
    expect(await verify(token, START + 59)).toEqual(claims);
    await refused(verify(token, START + 60));
    await refused(verify(token, START - 60));
  });

  it("is rejected if modified, unsigned, or signed by an unknown key", async () => {
    const token = await signAppToken(claims, key.privateKey, at(START));
    const [header, , signature] = token.split(".") as [string, string, string];
    const payload = Buffer.from(
      JSON.stringify({ workspace: "other", agent: "a", app: "x", iat: START, exp: START + 60 }),
    );
    await refused(verify(`${header}.${payload.toString("base64url")}.${signature}`));
    const none = Buffer.from('{"alg":"none","typ":"coder-app+jwt"}').toString("base64url");
    await refused(verify(`${none}.${payload.toString("base64url")}.`));
    const stranger = await generateAppKey();
    await refused(verify(await signAppToken(claims, stranger.privateKey, at(START))));
    const impostor = { ...stranger.privateKey, kid: key.privateKey.kid! };
    await refused(verify(await signAppToken(claims, impostor, at(START))));
    await refused(verify("nonsense"));
  });

  it("is rejected if it is another kind of token or has a longer lifetime, even with a valid signature", async () => {
    const { privateKey } = key;
    const sign = async (typ: string, expiry: number) =>
      new SignJWT({ workspace: "w", agent: "a", app: "x", decided: START * 1000 })
        .setProtectedHeader({ alg: "EdDSA", kid: privateKey.kid!, typ })
        .setIssuedAt(START)
        .setExpirationTime(expiry)
        .sign(await importJWK(privateKey, "EdDSA"));
    await refused(verify(await sign("JWT", START + 60)));
    const long = await sign("coder-app+jwt", START + 3600);
    expect(await verify(long, START + 30)).toMatchObject({ workspaceId: "w" });
    await refused(verify(long, START + 61));
  });

  it("does not include the private key in the public key", () => {
    expect(key.publicKey).not.toHaveProperty("d");
    expect(key.publicKey.kid).toBe(key.privateKey.kid);
  });
});
