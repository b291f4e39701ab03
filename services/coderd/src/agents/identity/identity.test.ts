import { createPrivateKey, generateKeyPairSync, randomUUID, sign, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@fleet/base";
import { exportJWK, SignJWT } from "jose";
import { createTestAgent } from "../../testing/agents.js";
import { type Issued, issue, pemOf, signedMessage } from "../../testing/certificates.js";
import { createTestCoderd } from "../../testing/coderd.js";
import { built, createTemplate, createWorkspace, startProvisioner } from "../../testing/work.js";
import { createAwsVerifier } from "./aws.js";
import { AWS_PUBLIC_KEYS } from "./aws-keys.js";
import { createAzureVerifier } from "./azure.js";

const HOUR_MS = 3_600_000;
const INSTANCE = "i-0123456789abcdef0";

const root = await issue({ name: "Test Root" });
const intermediate = await issue({ name: "Test Issuing CA", issuer: root });
const signer = await issue({ name: "metadata.azure.com", issuer: intermediate, isAuthority: false });

const attested = (expiresOn = new Date(Date.now() + HOUR_MS).toISOString()) =>
  JSON.stringify({ vmId: INSTANCE, timeStamp: { expiresOn } });
const document = JSON.stringify({ instanceId: INSTANCE, region: "eu-central-1", accountId: "1" });

function signedBy({ privateKey }: Pick<Issued, "privateKey">, text = document): string {
  return sign("sha256", Buffer.from(text), createPrivateKey(privateKey)).toString("base64");
}

/** A coderd that trusts the test's authorities, with a workspace on the test's instance. */
async function start(options: { instances?: string[] } = {}) {
  const stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "identity-"));
  const files = { aws: join(folder, "aws.pem"), azure: join(folder, "azure.pem") };
  await writeFile(files.aws, pemOf(root));
  await writeFile(files.azure, `${pemOf(root)}\n${pemOf(intermediate)}`);
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const keys = createServer(async (_request, response) => {
    response.end(JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "k", alg: "RS256" }] }));
  });
  await once(keys.listen(0, "127.0.0.1"), "listening");
  stack.defer(() => void keys.close());
  const server = stack.use(
    await createTestCoderd({
      env: {
        CODER_AWS_IDENTITY_CERTIFICATES: files.aws,
        CODER_AZURE_IDENTITY_CERTIFICATES: files.azure,
        CODER_GOOGLE_IDENTITY_KEYS_URL: `http://127.0.0.1:${(keys.address() as AddressInfo).port}/certs`,
      },
    }),
  );
  const owner = await server.owner();
  stack.use(await startProvisioner(server)).serve();
  const agents = (options.instances ?? [INSTANCE]).map((value, index) => ({
    name: `main${index || ""}`,
    operatingSystem: "linux",
    architecture: "amd64",
    auth: { case: "instanceId" as const, value },
  }));
  const resources = [{ name: "vm", type: "aws_instance", address: "aws_instance.vm", agents }];
  const template = await createTemplate(owner, { resources });
  const workspace = await createWorkspace(owner, template);
  await built(owner, workspace);
  const google = (claims: object = {}, audience = "coder", key = privateKey, expires = "1h") =>
    new SignJWT({ google: { compute_engine: { instance_id: INSTANCE } }, ...claims })
      .setProtectedHeader({ alg: "RS256", kid: "k" })
      .setIssuer("https://accounts.google.com")
      .setAudience(audience)
      .setExpirationTime(expires)
      .sign(key);
  return {
    server,
    owner,
    workspace,
    google,
    client: server.anonymous,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("each cloud's document is exchanged for the token of the instance's agent, the same each time", async () => {
  await using test = await start();
  const { client } = test;
  const aws = await client.agentAuthenticateAws({ body: { document, signature: signedBy(root) } });
  const signature = await signedMessage(attested(), signer, [intermediate]);
  const azure = await client.agentAuthenticateAzure({ body: { signature, encoding: "pkcs7" } });
  const google = await client.agentAuthenticateGoogle({ body: { json_web_token: await test.google() } });
  expect(azure).toEqual(aws);
  expect(google).toEqual(aws);
  using agent = await createTestAgent(test.server, aws.session_token);
  expect(await agent.client.getManifest({})).toMatchObject({ agentName: "main" });
});

test("a later build has another token, and ends the former one", async () => {
  await using test = await start();
  const body = { document, signature: signedBy(root) };
  const before = await test.client.agentAuthenticateAws({ body });
  const params = { workspace: test.workspace.id };
  await test.owner.client.workspaceBuildCreate({ params, body: { transition: "start" } });
  await built(test.owner, test.workspace);
  const after = await test.client.agentAuthenticateAws({ body });
  expect(after).not.toEqual(before);
  using replaced = await createTestAgent(test.server, after.session_token);
  await replaced.client.getManifest({});
  await expect(createTestAgent(test.server, before.session_token)).rejects.toMatchObject({
    code: "unauthenticated",
  });
  await test.owner.client.workspaceBuildCreate({ params, body: { transition: "stop" } });
  await built(test.owner, test.workspace);
  await expect(test.client.agentAuthenticateAws({ body })).rejects.toMatchObject({ code: "not_found" });
});

test("documents that a cloud did not sign, and expired ones, are refused", async () => {
  await using test = await start();
  const { client } = test;
  const other = await issue({ name: "Another" });
  const foreign = await issue({ name: "metadata.azure.com", issuer: other, isAuthority: false });
  const wrongName = await issue({ name: "evil.example.com", issuer: intermediate, isAuthority: false });
  const old = new Date(Date.now() - HOUR_MS).toISOString();
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const requests = [
    client.agentAuthenticateAws({ body: { document, signature: signedBy(other) } }),
    client.agentAuthenticateAws({
      body: { document: document.replace("i-0", "i-1"), signature: signedBy(root) },
    }),
    client.agentAuthenticateAws({ body: { document: "[]", signature: signedBy(root, "[]") } }),
    client.agentAuthenticateAzure({ body: { signature: "AAAA" } }),
    client.agentAuthenticateAzure({
      body: { signature: await signedMessage(attested(), foreign, [other, intermediate]) },
    }),
    client.agentAuthenticateAzure({ body: { signature: await signedMessage(attested(), wrongName) } }),
    client.agentAuthenticateAzure({ body: { signature: await signedMessage(attested(old), signer) } }),
    client.agentAuthenticateAzure({ body: { signature: await signedMessage("{}", signer) } }),
    client.agentAuthenticateGoogle({ body: { json_web_token: "a.b.c" } }),
    client.agentAuthenticateGoogle({ body: { json_web_token: await test.google({}, "other") } }),
    client.agentAuthenticateGoogle({ body: { json_web_token: await test.google({}, "coder", privateKey) } }),
    client.agentAuthenticateGoogle({
      body: { json_web_token: await test.google({}, "coder", undefined, "-1h") },
    }),
    client.agentAuthenticateGoogle({ body: { json_web_token: await test.google({ google: {} }) } }),
  ];
  const ended = await Promise.allSettled(requests);
  expect(ended.map((end) => end.status === "rejected" && end.reason.code)).toEqual(
    requests.map(() => "unauthenticated"),
  );
});

test("an instance without an agent, and one with several, get a reason", async () => {
  await using test = await start({ instances: ["i-other", INSTANCE, INSTANCE] });
  const ask = (instanceId: string) => {
    const text = JSON.stringify({ instanceId });
    return test.client.agentAuthenticateAws({ body: { document: text, signature: signedBy(root, text) } });
  };
  await expect(ask("i-none")).rejects.toMatchObject({ code: "not_found" });
  await expect(ask(INSTANCE)).rejects.toMatchObject({
    code: "failed_precondition",
    message: expect.stringContaining("main1, main2"),
  });
  expect((await ask("i-other")).session_token).not.toBe("");
});

test("the keys of AWS are RSA keys, each once", () => {
  expect(new Set(AWS_PUBLIC_KEYS).size).toBe(AWS_PUBLIC_KEYS.length);
  expect(() => createAwsVerifier([])({ document, signature: signedBy(root) })).toThrow("not signed by AWS");
});

test("a missing issuer is not fetched from a host that is not a publisher of Azure's certificates", async () => {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked++;
    response.end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const issuerUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${randomUUID()}`;
  const leaf = await issue({
    name: "metadata.azure.com",
    issuer: intermediate,
    isAuthority: false,
    issuerUrl,
  });
  const verify = createAzureVerifier({ extra: [new X509Certificate(pemOf(root))], clock: systemClock });
  await expect(verify(await signedMessage(attested(), leaf))).rejects.toThrow("authority of Azure");
  expect(asked).toBe(0);
  server.close();
});
