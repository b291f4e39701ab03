import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { machineCredential } from "./credential.js";
import { type IdentityKind, machineIdentity } from "./documents.js";

type Answer = { status?: number; body: string };

/** A server with the test's answers. `seen` has each request, `METHOD path`, and its body. */
async function serve(answer: (request: IncomingMessage) => Answer) {
  const seen: { request: string; body: string }[] = [];
  const server = createServer(async (request, response) => {
    seen.push({ request: `${request.method} ${request.url}`, body: await text(request) });
    const { status = 200, body } = answer(request);
    response.writeHead(status).end(body);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    [Symbol.asyncDispose]: async () => void server.close().closeAllConnections(),
  };
}

const { signal } = new AbortController();

test("AWS: the document and its signature are read in an IMDSv2 session", async () => {
  await using metadata = await serve(({ url, headers }) => {
    if (url === "/latest/api/token") return { body: "session" };
    if (headers["x-aws-ec2-metadata-token"] !== "session") return { status: 401, body: "" };
    return { body: url!.endsWith("signature") ? "c2ln\nbmF0\n" : '{"instanceId":"i-1"}' };
  });
  expect(await machineIdentity("aws-instance-identity", signal, metadata.url)).toEqual({
    signature: "c2lnbmF0",
    document: '{"instanceId":"i-1"}',
  });
  expect(metadata.seen[0]!.request).toBe("PUT /latest/api/token");
});

test("AWS: an instance without IMDSv2 is asked without a session", async () => {
  await using metadata = await serve(({ url }) =>
    url === "/latest/api/token" ? { status: 404, body: "" } : { body: "x" },
  );
  const identity = await machineIdentity("aws-instance-identity", signal, metadata.url);
  expect(identity).toEqual({ signature: "x", document: "x" });
});

test("Azure and Google: the documents are read with the headers that the services require", async () => {
  await using azure = await serve(({ headers }) =>
    headers.metadata === "true"
      ? { body: JSON.stringify({ encoding: "pkcs7", signature: "MII" }) }
      : { status: 400, body: "" },
  );
  expect(await machineIdentity("azure-instance-identity", signal, azure.url)).toEqual({
    encoding: "pkcs7",
    signature: "MII",
  });
  await using google = await serve(({ headers }) =>
    headers["metadata-flavor"] === "Google" ? { body: "a.b.c\n" } : { status: 403, body: "" },
  );
  expect(await machineIdentity("google-instance-identity", signal, google.url)).toEqual({
    json_web_token: "a.b.c",
  });
  expect(google.seen[0]!.request).toContain("audience=coder&format=full");
});

test.each<[string, Answer]>([
  ["an error", { status: 500, body: "" }],
  ["no JSON", { body: "<html>" }],
  ["too much", { body: "x".repeat(300 * 1024) }],
])("a metadata service that answers with %s is unavailable", async (_what, answer) => {
  await using metadata = await serve(() => answer);
  const identity = machineIdentity("azure-instance-identity", signal, metadata.url);
  await expect(identity).rejects.toMatchObject({ code: "unavailable" });
});

test("a token is exchanged once, and again after the deployment has refused it", async () => {
  let exchanges = 0;
  await using deployment = await serve(() => {
    exchanges++;
    if (exchanges === 1)
      return { status: 404, body: JSON.stringify({ message: "No agent of a running workspace." }) };
    return { body: JSON.stringify({ session_token: `token-${exchanges}` }) };
  });
  const kind: IdentityKind = "google-instance-identity";
  const credential = machineCredential(deployment.url, kind, async () => ({ json_web_token: "a.b.c" }));
  await expect(credential.get(signal)).rejects.toMatchObject({
    code: "not_found",
    message: "No agent of a running workspace.",
  });
  expect(await credential.get(signal)).toBe("token-2");
  expect(await credential.get(signal)).toBe("token-2");
  credential.refused();
  expect(await credential.get(signal)).toBe("token-3");
  expect(credential.token).toBe("token-3");
  expect(deployment.seen[0]).toEqual({
    request: "POST /api/v2/workspaceagents/google-instance-identity",
    body: '{"json_web_token":"a.b.c"}',
  });
});
